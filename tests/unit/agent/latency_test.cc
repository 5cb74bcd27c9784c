#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/faults/latency_watch.h"
#include "tests/fakes/fake_world.h"

namespace remapfleet::agent {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using ::testing::ElementsAre;

TEST(BlockStatTest, ReadsTheLinesOfAllKernels) {
  const std::string old = "  10 1 80 20 30 2 240 40 5 60 70";
  for (const std::string& line :
       {old, old + "\n", old + " 1 2 3 4\n", old + " 1 2 3 4 5 6\n", old + " 1 2 3 4 5 6 7 8"}) {
    const auto stat = ParseBlockStat(line);
    ASSERT_TRUE(stat) << line;
    EXPECT_EQ(stat->reads, 10U);
    EXPECT_EQ(stat->read_ms, 20U);
    EXPECT_EQ(stat->writes, 30U);
    EXPECT_EQ(stat->write_ms, 40U);
    EXPECT_EQ(stat->in_flight, 5U);
    EXPECT_EQ(stat->busy_ms, 60U);
  }
}

TEST(BlockStatTest, RefusesWhatIsNoSuchLine) {
  for (const char* line : {"", "\n", "1 2 3 4", "1 2 3 4 5 6 7 8 9 10", "1 2 3 4 5 6 7 8 9 10 x",
                           "1 2 3 -4 5 6 7 8 9 10 11", "1 2 3 4.5 5 6 7 8 9 10 11",
                           "1 2 3 99999999999999999999999 5 6 7 8 9 10 11"}) {
    const auto stat = ParseBlockStat(line);
    ASSERT_FALSE(stat) << line;
    EXPECT_EQ(stat.error().code(), Code::kInvalidArgument);
  }
}

TEST(BlockWorkTest, MeansAreOfTheIntervalAlone) {
  const BlockWork work =
      WorkBetween({100, 1000, 50, 500, 0, 900}, {300, 1500, 50, 500, 2, 1900}, milliseconds(2000));
  EXPECT_EQ(work.reads, 200U);
  EXPECT_EQ(work.mean_read, microseconds(2500));
  EXPECT_EQ(work.writes, 0U);
  EXPECT_EQ(work.mean_write, std::nullopt);
  EXPECT_EQ(work.utilisation, 0.5);
  EXPECT_EQ(work.in_flight, 2U);
  EXPECT_FALSE(work.idle());
}

TEST(BlockWorkTest, TimesMayWrap) {
  const BlockWork work = WorkBetween({0, 4'294'967'290, 0, 0, 0, 4'294'967'290},
                                     {10, 94, 0, 0, 0, 494}, milliseconds(1000));
  EXPECT_EQ(work.mean_read, microseconds(10'000));
  EXPECT_EQ(work.utilisation, 0.5);
}

TEST(BlockWorkTest, WhatCannotBeKnownIsAbsent) {
  // A counter that went back is another disk's.
  const BlockWork other = WorkBetween({100, 10, 5, 5, 0, 0}, {3, 20, 9, 9, 1, 0}, minutes(5));
  EXPECT_EQ(other.reads, std::nullopt);
  EXPECT_EQ(other.writes, std::nullopt);
  EXPECT_EQ(other.mean_write, std::nullopt);
  EXPECT_EQ(other.utilisation, std::nullopt);
  EXPECT_FALSE(other.idle());
  // Times may have wrapped twice.
  const BlockWork late = WorkBetween({}, {10, 20, 0, 0, 0, 5}, std::chrono::hours(2));
  EXPECT_EQ(late.reads, 10U);
  EXPECT_EQ(late.mean_read, std::nullopt);
  EXPECT_EQ(late.utilisation, std::nullopt);
  // Busy for longer than there was time.
  EXPECT_EQ(WorkBetween({}, {10, 20, 0, 0, 0, 9000}, milliseconds(1000)).utilisation, std::nullopt);
}

TEST(BlockWorkTest, ADriveThatHangsIsNotIdle) {
  EXPECT_TRUE(WorkBetween({}, {}, minutes(5)).idle());
  EXPECT_FALSE(WorkBetween({}, {0, 0, 0, 0, 3, 0}, minutes(5)).idle());
}

class FailSlowTest : public ::testing::Test {
 protected:
  static DriveWindow Reads(const std::string& id, unsigned mean_us, std::uint64_t ios = 1000) {
    return {id, true, {ios, microseconds(mean_us)}, {}};
  }
  // `count` drives, of which the first takes `first_us`.
  static std::vector<DriveWindow> Node(unsigned count, unsigned first_us, unsigned others_us) {
    std::vector<DriveWindow> drives{Reads("0", first_us)};
    for (unsigned i = 1; i < count; ++i) drives.push_back(Reads(std::to_string(i), others_us));
    return drives;
  }
  std::vector<std::string> SlowAfter(unsigned windows, const std::vector<DriveWindow>& drives) {
    std::vector<std::string> slow;
    for (unsigned i = 0; i < windows; ++i) {
      slow.clear();
      for (const auto& [id, verdict] : judge_.Judge(drives)) {
        if (verdict.slow) slow.push_back(id);
      }
    }
    return slow;
  }
  FailSlow judge_;
};

TEST_F(FailSlowTest, OneSlowDriveAmongTwelveIsNamedOnceItLasts) {
  const auto node = Node(12, 30'000, 10'000);
  EXPECT_THAT(SlowAfter(5, node), ElementsAre());
  const auto verdicts = judge_.Judge(node);
  ASSERT_EQ(verdicts.size(), 12U);
  const PeerVerdict& verdict = verdicts.at("0");
  EXPECT_TRUE(verdict.slow);
  EXPECT_TRUE(verdict.changed);
  EXPECT_DOUBLE_EQ(verdict.ratio, 3.0);
  EXPECT_EQ(verdict.median, microseconds(10'000));
  EXPECT_EQ(verdict.peers, 11U);
  EXPECT_FALSE(verdicts.at("1").slow);
  EXPECT_FALSE(judge_.Judge(node).at("0").changed);
}

TEST_F(FailSlowTest, WhatIsSlowInWritesAloneIsSlow) {
  auto node = Node(4, 10'000, 10'000);
  for (DriveWindow& drive : node) drive.writes = {1000, microseconds(5000)};
  node[0].writes.mean = microseconds(20'000);
  EXPECT_THAT(SlowAfter(6, node), ElementsAre("0"));
}

TEST_F(FailSlowTest, AllSlowTogetherIsLoad) {
  EXPECT_THAT(SlowAfter(6, Node(12, 10'000, 10'000)), ElementsAre());
  EXPECT_THAT(SlowAfter(20, Node(12, 90'000, 90'000)), ElementsAre());
}

TEST_F(FailSlowTest, TwoPeersAreNotEnough) {
  EXPECT_TRUE(judge_.Judge(Node(3, 90'000, 10'000)).empty());
  EXPECT_FALSE(judge_.Judge(Node(4, 90'000, 10'000)).empty());
}

TEST_F(FailSlowTest, OnlyTheSameKindAndThoseWithEnoughWorkArePeers) {
  auto kinds = Node(4, 90'000, 10'000);
  kinds[3].rotational = false;
  EXPECT_TRUE(judge_.Judge(kinds).empty());
  auto idle = Node(4, 90'000, 10'000);
  idle[3].reads.ios = 99;
  EXPECT_TRUE(judge_.Judge(idle).empty());
}

TEST_F(FailSlowTest, AnIdleDriveStaysWhatItWas) {
  const auto node = Node(12, 30'000, 10'000);
  EXPECT_THAT(SlowAfter(5, node), ElementsAre());
  auto idle = node;
  idle[0].reads = {};
  EXPECT_FALSE(judge_.Judge(idle).contains("0"));
  EXPECT_THAT(SlowAfter(1, node), ElementsAre("0"));
}

TEST_F(FailSlowTest, BetweenTheTwoRatiosThingsStayAsTheyAre) {
  const auto between = Node(12, 17'000, 10'000);
  EXPECT_THAT(SlowAfter(20, between), ElementsAre());
  EXPECT_THAT(SlowAfter(6, Node(12, 30'000, 10'000)), ElementsAre("0"));
  EXPECT_THAT(SlowAfter(20, between), ElementsAre("0"));
  EXPECT_THAT(SlowAfter(5, Node(12, 10'000, 10'000)), ElementsAre("0"));
  EXPECT_THAT(SlowAfter(1, Node(12, 10'000, 10'000)), ElementsAre());
}

TEST_F(FailSlowTest, ARoundThatIsGoodBeginsTheCountAnew) {
  EXPECT_THAT(SlowAfter(5, Node(12, 30'000, 10'000)), ElementsAre());
  EXPECT_THAT(SlowAfter(1, Node(12, 10'000, 10'000)), ElementsAre());
  EXPECT_THAT(SlowAfter(5, Node(12, 30'000, 10'000)), ElementsAre());
}

TEST(TargetHistogramTest, CountsWhatCameBetween) {
  const auto before = ParseTargetHistogram(
      "enabled=on first_ns=1024 buckets=3 read=1,2,3 write=0,0,0 remapped=0,0,0 slow=4,0,0");
  const auto now = ParseTargetHistogram(
      "enabled=on first_ns=1024 buckets=3 read=1,7,3 write=0,0,0 remapped=0,0,0 slow=5,0,0");
  ASSERT_TRUE(before && *before && now && *now);
  const auto counted = CountedBetween(**before, **now);
  ASSERT_EQ(counted.size(), 2U);
  EXPECT_EQ(counted[0].kind(), v1::LatencyHistogram::KIND_READ);
  EXPECT_THAT(counted[0].counts(), ElementsAre(0, 5));
  EXPECT_EQ(counted[0].first_bucket_ns(), 1024U);
  EXPECT_EQ(counted[1].kind(), v1::LatencyHistogram::KIND_SLOW_PATH);
  EXPECT_THAT(counted[1].counts(), ElementsAre(1));
  // They were reset.
  EXPECT_TRUE(CountedBetween(**now, **before).empty());
}

TEST(TargetHistogramTest, SaysNothingWhileOffAndRefusesWhatIsNone) {
  const auto off =
      ParseTargetHistogram("enabled=off first_ns=1024 buckets=1 read=0 write=0 remapped=0 slow=0");
  ASSERT_TRUE(off);
  EXPECT_FALSE(*off);
  for (const char* reply : {"", "ok", "enabled=on",
                            "enabled=on first_ns=1024 buckets=2 read=1 write=1 remapped=1 slow=1",
                            "enabled=on first_ns=1024 buckets=1 read=x write=1 remapped=1 slow=1",
                            "enabled=on first_ns=0 buckets=1 read=1 write=1 remapped=1 slow=1",
                            "enabled=on first_ns=1024 buckets=1 read=1 write=1 remapped=1"}) {
    EXPECT_FALSE(ParseTargetHistogram(reply)) << reply;
  }
}

class LatencyWatchTest : public ::testing::Test {
 protected:
  std::vector<v1::DriveLatency> Look() {
    now_ += minutes(5);
    return watch_.Look(drives_, now_);
  }
  FakeStats stats_;
  std::map<std::string, TargetHistogram> targets_;
  std::vector<Drive> drives_{MakeFakeDrive("sda", 0, "A", 1000)};
  LatencyWatch watch_{stats_, [this] { return targets_; }};
  LatencyWatch::Time now_{};
};

TEST_F(LatencyWatchTest, TellsOfWhatADriveDidAndNothingOfAnIdleOne) {
  stats_.Set("/dev/sda", {{100, 1000, 0, 0, 0, 0}, true});
  EXPECT_TRUE(Look().empty());
  EXPECT_TRUE(Look().empty());
  targets_["serial-FAKE-A"] = {1024, {{v1::LatencyHistogram::KIND_READ, {1}}}};
  stats_.Set("/dev/sda", {{110, 1040, 0, 0, 0, 0}, true});
  auto told = Look();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].drive_id(), "serial-FAKE-A");
  EXPECT_EQ(told[0].interval().seconds(), 300);
  EXPECT_EQ(told[0].mean_read().nanos(), 4'000'000);
  EXPECT_FALSE(told[0].has_mean_write());
  EXPECT_EQ(told[0].histograms_size(), 0);
  targets_["serial-FAKE-A"] = {1024, {{v1::LatencyHistogram::KIND_READ, {9}}}};
  stats_.Set("/dev/sda", {{120, 1080, 0, 0, 0, 0}, true});
  told = Look();
  ASSERT_EQ(told.size(), 1U);
  ASSERT_EQ(told[0].histograms_size(), 1);
  EXPECT_THAT(told[0].histograms(0).counts(), ElementsAre(8));
}

TEST_F(LatencyWatchTest, AReplacedDriveBeginsAnew) {
  stats_.Set("/dev/sda", {{100, 1000, 0, 0, 0, 0}, true});
  drives_[0].sequence = 1;
  EXPECT_TRUE(Look().empty());
  drives_[0].sequence = 2;
  stats_.Set("/dev/sda", {{500, 9000, 0, 0, 0, 0}, true});
  EXPECT_TRUE(Look().empty());
}

TEST_F(LatencyWatchTest, ADriveThatCannotBeReadIsLeftOut) {
  EXPECT_TRUE(Look().empty());
  stats_.Set("/dev/sda", {{100, 1000, 0, 0, 0, 0}, true});
  EXPECT_TRUE(Look().empty());
}

}  // namespace
}  // namespace remapfleet::agent
