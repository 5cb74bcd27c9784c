#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "agent/faults/block_error.h"
#include "agent/faults/neighbours.h"
#include "agent/faults/own_reads.h"
#include "agent/faults/storm.h"

namespace remapfleet::agent {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(TraceLine, IsReadInTheWordingOfOldAndNewKernels) {
  const auto old_line = ParseTraceLine(
      "       scsi_eh_0-103     [000] .....     3.643898: block_rq_error: 8,16 RS () 1000 + 8 "
      "[-5]");
  ASSERT_TRUE(old_line);
  EXPECT_EQ(old_line->major, 8U);
  EXPECT_EQ(old_line->minor, 16U);
  EXPECT_EQ(old_line->sector, 1000U);
  EXPECT_EQ(old_line->sectors, 8U);
  EXPECT_EQ(old_line->operation, v1::IoError::OPERATION_READ);
  EXPECT_EQ(old_line->errno_value, 5);
  EXPECT_EQ(old_line->monotonic_us, 3'643'898U);
  const auto new_line = ParseTraceLine(
      "  kworker/0:1H-66 [000] d..1.   12.000001: block_rq_error: 259,0 WFS () 4096 + 256 none,0,0 "
      "[-61]");
  ASSERT_TRUE(new_line);
  EXPECT_EQ(new_line->sector, 4096U);
  EXPECT_EQ(new_line->operation, v1::IoError::OPERATION_WRITE);
  EXPECT_EQ(new_line->errno_value, 61);
}

TEST(TraceLine, OtherLinesAreNoErrors) {
  for (const char* line :
       {"", "block_rq_error: ", " x: block_rq_error: 8,16 RS () 1000 + 8 [0]",
        " x: block_rq_error: 8,16 RS () 1000", " x: block_rq_issue: 8,16 RS () 1000 + 8 [-5]",
        " x: block_rq_error: a,b RS () 1000 + 8 [-5]"}) {
    EXPECT_FALSE(ParseTraceLine(line)) << line;
  }
  EXPECT_EQ(ParseLostEvents("CPU:1 [LOST 12 EVENTS]"), 12U);
  EXPECT_EQ(ParseLostEvents("CPU:1 [LOST]"), 0U);
}

TEST(TraceLine, AFlushThatFailedHasNoPlace) {
  for (const char* line : {" x: block_rq_error: 8,16 FF () 0 + 0 [-5]",
                           " x: block_rq_error: 8,16 F () 18446744073709551615 + 0 [-5]",
                           " x: block_rq_error: 8,16 R () 18446744073709551615 + 8 [-5]"}) {
    const auto error = ParseTraceLine(line);
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->sector, 0U) << line;
    EXPECT_EQ(error->sectors, 0U) << line;
    EXPECT_EQ(error->errno_value, 5) << line;
  }
  const auto logged = ParseLogRecord(
      "3,812,6399574,-;I/O error, dev sdb, sector 0 op 0x2:(FLUSH) flags 0x800 phys_seg 0 prio "
      "class 2\n");
  ASSERT_TRUE(logged);
  EXPECT_EQ(logged->error.sectors, 0U);
  EXPECT_EQ(logged->error.operation, v1::IoError::OPERATION_OTHER);
}

TEST(TraceLine, WhatIsNoErrnoIsNoError) {
  EXPECT_FALSE(ParseTraceLine(" x: block_rq_error: 8,16 R () 1 + 8 [-2147483648]"));
  EXPECT_FALSE(ParseTraceLine(" x: block_rq_error: 8,16 R () 1 + 8 [-4096]"));
}

TEST(LogRecord, IsReadInBothWordings) {
  const auto now = ParseLogRecord(
      "3,812,6399574,-;I/O error, dev sdb, sector 1000 op 0x0:(READ) flags 0x800 phys_seg 1 prio "
      "class 2\n");
  ASSERT_TRUE(now);
  EXPECT_EQ(now->disk, "sdb");
  EXPECT_EQ(now->error.sector, 1000U);
  EXPECT_EQ(now->error.operation, v1::IoError::OPERATION_READ);
  EXPECT_EQ(now->error.errno_value, 5);
  const auto media = ParseLogRecord(
      "3,9,1,-;blk_update_request: critical medium error, dev sda, sector 77 op 0x1:(WRITE) flags "
      "0x0 phys_seg 1\n");
  ASSERT_TRUE(media);
  EXPECT_EQ(media->error.errno_value, 61);
  EXPECT_EQ(media->error.operation, v1::IoError::OPERATION_WRITE);
  EXPECT_FALSE(
      ParseLogRecord("6,1,1,-;Buffer I/O error on dev sda, logical block 5, async page read"));
  EXPECT_FALSE(ParseLogRecord("6,1,1,-;EXT4-fs error (device sda): bad"));
}

v1::IoError ErrorAt(std::uint64_t first, std::uint64_t count = 8) {
  v1::IoError error;
  error.set_drive_id("x");
  error.mutable_range()->set_first_sector(first);
  error.mutable_range()->set_sector_count(count);
  error.set_operation(v1::IoError::OPERATION_READ);
  error.set_count(1);
  return error;
}

TEST(Storm, TheFirstGoesOutAtOnceAndRepeatsAreCounted) {
  Storm storm;
  const Storm::Time start{};
  EXPECT_EQ(storm.Add(ErrorAt(1000), start).size(), 1U);
  for (int i = 0; i < 9; ++i)
    EXPECT_TRUE(storm.Add(ErrorAt(1000), start + milliseconds(i)).empty());
  EXPECT_TRUE(storm.Flush(start + milliseconds(999)).empty());
  const auto gathered = storm.Flush(*storm.NextDue());
  ASSERT_EQ(gathered.size(), 1U);
  EXPECT_EQ(gathered[0].count(), 9U);
  EXPECT_EQ(gathered[0].range().first_sector(), 1000U);
}

TEST(Storm, AnErrorInsideALargerOneNamesThePlaceAtOnce) {
  Storm storm;
  EXPECT_EQ(storm.Add(ErrorAt(1000, 256), {}).size(), 1U);
  const auto narrow = storm.Add(ErrorAt(1128, 8), {});
  ASSERT_EQ(narrow.size(), 1U);
  EXPECT_EQ(narrow[0].range().sector_count(), 8U);
}

TEST(Storm, WhatTheAgentProvokedIsGatheredApart) {
  Storm storm;
  v1::IoError provoked = ErrorAt(1000);
  provoked.set_provoked(true);
  EXPECT_EQ(storm.Add(ErrorAt(1000), {}).size(), 1U);
  EXPECT_EQ(storm.Add(provoked, {}).size(), 1U);
  EXPECT_TRUE(storm.Add(provoked, {}).empty());
  const auto all = storm.FlushAll();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].provoked());
  EXPECT_TRUE(storm.FlushAll().empty());
}

TEST(Storm, WhatHasNoPlaceWidensNoRange) {
  Storm storm;
  for (std::uint64_t i = 1; i <= Storm::kExact + 100; ++i) storm.Add(ErrorAt(i * 10000), {});
  v1::IoError flush = ErrorAt(0);
  flush.clear_range();
  storm.Add(flush, {});
  storm.Add(flush, {});
  std::uint64_t flushes = 0;
  for (const v1::IoError& error : storm.FlushAll()) {
    if (!error.has_range()) {
      flushes += error.count();
    } else {
      EXPECT_GE(error.range().first_sector(), 10000U);
    }
  }
  EXPECT_EQ(flushes, 2U);
}

// What a storm was told and what it said of it, in whichever of them.
struct Told {
  std::uint64_t errors = 0;
  std::uint64_t counted = 0;
  std::uint64_t records = 0;
  std::set<std::pair<std::uint64_t, std::uint64_t>> places;  // of the errors
  std::vector<v1::IoError> said;

  void Take(std::vector<v1::IoError> now) {
    records += now.size();
    for (v1::IoError& error : now) {
      counted += error.count();
      said.push_back(std::move(error));
    }
  }
  // Every place is covered, and a record that is no summary is one of the places.
  void Check() const {
    EXPECT_EQ(counted, errors);
    std::set<std::pair<std::uint64_t, std::uint64_t>> exact;
    for (const v1::IoError& error : said) {
      const std::pair place(error.range().first_sector(), error.range().sector_count());
      if (!error.summary()) {
        exact.insert(place);
        EXPECT_TRUE(places.contains(place)) << place.first;
      }
    }
    for (const auto& [first, count] : places) {
      const auto covers = [first = first, count = count](const v1::IoError& error) {
        return error.range().first_sector() <= first &&
               first + count <= error.range().first_sector() + error.range().sector_count();
      };
      EXPECT_TRUE(exact.contains({first, count}) || std::any_of(said.begin(), said.end(), covers))
          << first;
    }
  }
};

TEST(Storm, PlacesAreNamedOneByOneUpToALimitAndThenCovered) {
  Storm storm;
  Told told;
  for (std::uint64_t i = 0; i < Storm::kExact + 1000; ++i) {
    const v1::IoError error = ErrorAt(i * 10000);
    ++told.errors;
    told.places.emplace(error.range().first_sector(), error.range().sector_count());
    told.Take(storm.Add(error, {}));
  }
  EXPECT_EQ(told.records, Storm::kAtOnce);
  told.Take(storm.Flush(Storm::Time{} + std::chrono::seconds(1)));
  EXPECT_EQ(told.records, Storm::kExact + Storm::kSummaries);
  told.Check();
  EXPECT_TRUE(storm.Flush(Storm::Time{} + std::chrono::seconds(2)).empty());
  EXPECT_FALSE(storm.NextDue());
}

// 10 000 errors in ten seconds, of every shape; the seed is the parameter.
class Storms : public testing::TestWithParam<unsigned> {};

TEST_P(Storms, LeaveNoPlaceOutAndStayUnderTheirCap) {
  std::minstd_rand random(GetParam());
  const std::uint64_t spread = std::uint64_t{1} << (random() % 34 + 4);
  const auto shape = random() % 4;
  Storm storm;
  Told told;
  Storm::Time now{};
  std::map<std::int64_t, std::uint64_t> by_second;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    std::uint64_t first = random() * std::uint64_t{8} % spread;         // scattered
    if (shape == 1) first = i * 8;                                      // one after the other
    if (shape == 2) first = random() % 4 * 8;                           // a hot spot
    if (shape == 3 && random() % 2 == 0) first = 1000 + random() % 64;  // both
    const v1::IoError error = ErrorAt(first, 1 + random() % 8);
    ++told.errors;
    told.places.emplace(first, error.range().sector_count());
    const std::uint64_t before = told.records;
    if (storm.NextDue() && *storm.NextDue() <= now) told.Take(storm.Flush(now));
    told.Take(storm.Add(error, now));
    by_second[now.time_since_epoch() / std::chrono::seconds(1)] += told.records - before;
    now += milliseconds(random() % 3);
  }
  told.Take(storm.FlushAll());
  told.Check();
  // Windows and seconds do not begin together: two of them may end in one.
  for (const auto& [second, records] : by_second) {
    EXPECT_LE(records, 2 * (Storm::kAtOnce + Storm::kExact + Storm::kSummaries)) << second;
  }
}

INSTANTIATE_TEST_SUITE_P(, Storms, testing::Range(1U, 33U));

// A drive whose blocks answer as a script says: times in ms, negative for a failure; the last one
// stays.
class ScriptedDrive {
 public:
  std::map<std::uint64_t, std::vector<int>> script;
  TimedRead Reader() {
    return [this](std::uint64_t sector, std::uint64_t) -> std::optional<microseconds> {
      ++reads[sector];
      auto found = script.find(sector);
      if (found == script.end()) return milliseconds(1);
      const int ms = found->second.front();
      if (found->second.size() > 1) found->second.erase(found->second.begin());
      if (ms < 0) return std::nullopt;
      return milliseconds(ms);
    };
  }
  std::map<std::uint64_t, int> reads;
};

NeighbourJob Job() {
  NeighbourJob job;
  job.drive_id = "x";
  job.begin_sector = 800;
  job.end_sector = 1603;  // the last block is short
  job.block_sectors = 8;
  v1::SectorRange skip;
  skip.set_first_sector(1000);
  skip.set_sector_count(8);
  job.skip.push_back(skip);
  return job;
}

TEST(Neighbours, HealthyBlocksAreReadOnceAndTheErrorItselfNotAtAll) {
  ScriptedDrive drive;
  EXPECT_TRUE(CheckNeighbours(Job(), drive.Reader(), {}).empty());
  EXPECT_EQ(drive.reads.size(), 100U);
  EXPECT_EQ(drive.reads.count(1000), 0U);
  for (const auto& [sector, times] : drive.reads) EXPECT_EQ(times, 1) << sector;
}

TEST(Neighbours, SlowTwiceIsWeakAndSlowOnceIsLuck) {
  ScriptedDrive drive;
  drive.script[808] = {400, 300};
  drive.script[816] = {400, 1};
  const auto weak = CheckNeighbours(Job(), drive.Reader(), {});
  ASSERT_EQ(weak.size(), 1U);
  EXPECT_EQ(weak[0].range().first_sector(), 808U);
  EXPECT_TRUE(weak[0].readable());
  EXPECT_EQ(weak[0].latency().nanos(), 400'000'000);
  EXPECT_EQ(weak[0].slow_threshold().nanos(), 50'000'000);
}

TEST(Neighbours, RetriesAndDeathAreToldApart) {
  ScriptedDrive drive;
  drive.script[808] = {-1, -1, 5};
  drive.script[1600] = {-1};
  const auto weak = CheckNeighbours(Job(), drive.Reader(), {});
  ASSERT_EQ(weak.size(), 2U);
  EXPECT_TRUE(weak[0].readable());
  EXPECT_EQ(weak[0].failed_reads(), 2U);
  EXPECT_FALSE(weak[1].readable());
  EXPECT_EQ(weak[1].range().sector_count(), 3U);
}

TEST(Neighbours, AStopEndsTheCheck) {
  ScriptedDrive drive;
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(CheckNeighbours(Job(), drive.Reader(), source.get_token()).empty());
  EXPECT_TRUE(drive.reads.empty());
}

v1::SectorRange RangeOf(std::uint64_t first, std::uint64_t count) {
  v1::SectorRange range;
  range.set_first_sector(first);
  range.set_sector_count(count);
  return range;
}

TEST(OwnReads, AnErrorIsOursOnlyInsideAReadThatFailedAndInItsTime) {
  OwnReads own;
  const auto slack = milliseconds(1);
  ScriptedDrive drive;
  drive.script[808] = {-1};
  OwnReads::Time during;
  const TimedRead read = own.Noting("x", [&](std::uint64_t sector, std::uint64_t sectors) {
    during = std::chrono::steady_clock::now();
    EXPECT_TRUE(own.Provoked("x", RangeOf(sector, sectors), during, slack));
    return drive.Reader()(sector, sectors);
  });
  EXPECT_FALSE(read(808, 8));
  EXPECT_TRUE(own.Provoked("x", RangeOf(808, 8), during, slack));
  EXPECT_TRUE(own.Provoked("x", RangeOf(810, 1), during, slack));
  EXPECT_FALSE(own.Provoked("y", RangeOf(808, 8), during, slack));
  EXPECT_FALSE(own.Provoked("x", RangeOf(808, 16), during, slack));
  EXPECT_FALSE(own.Provoked("x", RangeOf(800, 8), during, slack));
  EXPECT_FALSE(own.Provoked("x", RangeOf(808, 8), during - std::chrono::seconds(1), slack));
  EXPECT_FALSE(own.Provoked("x", RangeOf(808, 8), during + std::chrono::seconds(1), slack));
  EXPECT_TRUE(read(816, 8));
  EXPECT_FALSE(own.Provoked("x", RangeOf(816, 8), during, slack));
}

}  // namespace
}  // namespace remapfleet::agent
