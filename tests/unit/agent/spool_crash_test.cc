#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "agent/link/spool.h"
#include "support/ids.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/faulty.h"
#include "tests/unit/agent/spool_model.h"

namespace remapfleet::agent {
namespace {

// One node's life with its spool: outcomes and telemetry, more than there is room for, and a
// controller that is there now and then. The ids of the records grow.
class Life {
 public:
  static constexpr std::uint64_t kMaxBytes = 8192;

  static bool IsOutcome(std::uint64_t id) { return id % 5 == 1; }

  void Run(FileSystem& files, const std::string& boot) {
    auto spool = Spool::Open(files, "/s", boot, kMaxBytes);
    for (int round = 0; spool && round < 18; ++round) {
      std::vector<v1::Record> records;
      std::vector<std::uint64_t> ids;
      for (int i = 0; i < 5; ++i) {
        ids.push_back(next_++);
        records.push_back(IsOutcome(ids.back()) ? OutcomeNumber(ids.back())
                                                : TelemetryNumber(ids.back()));
      }
      all_.insert(ids.begin(), ids.end());
      if ((*spool)->Append(records)) taken_.insert(ids.begin(), ids.end());
      EXPECT_LE((*spool)->stats().bytes, kMaxBytes);
      if (round % 6 == 1) controller_.Stream(**spool, 7, false);
      if (round % 6 == 5) controller_.Stream(**spool, 4);
    }
  }

  // All that is kept arrives; then every record is accounted for.
  void Check(FileSystem& files, const std::string& boot) {
    auto spool = Spool::Open(files, "/s", boot, kMaxBytes);
    ASSERT_TRUE(spool) << spool.error().message();
    ASSERT_TRUE((*spool)->Append({OutcomeNumber(1001)}));
    taken_.insert(1001);
    controller_.Stream(**spool, 1000);
    ASSERT_EQ((*spool)->stats().records, 0U);
    std::uint64_t gone = 0;
    for (const std::uint64_t id : taken_) {
      if (controller_.Has(id)) continue;
      ASSERT_FALSE(IsOutcome(id)) << id;
      ++gone;
    }
    const auto refused =
        static_cast<std::uint64_t>(std::count_if(all_.begin(), all_.end(), [&](std::uint64_t id) {
          return !taken_.contains(id) && !controller_.Has(id);
        }));
    EXPECT_GE(controller_.lost(), gone);
    EXPECT_LE(controller_.lost(), gone + refused);
    const auto& ids = controller_.ids();
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()), ids.end())
        << "twice, or out of order";
  }
  std::uint64_t lost() const { return controller_.lost(); }

 private:
  Committed controller_;
  std::uint64_t next_ = 1;
  std::set<std::uint64_t> all_;
  std::set<std::uint64_t> taken_;  // acknowledged by Append
};

TEST(SpoolCrash, WithoutOneEverythingArrivesOnceOrIsCounted) {
  FakeFileSystem files;
  const std::string boot = NewUuid();
  Life life;
  life.Run(files, boot);
  life.Check(files, boot);
  EXPECT_GT(life.lost(), 10U);
}

// Every write, sync, truncation, rename, removal and read of the spool's files is once the last
// one, or fails; then the power fails, and what was not synced is torn in several ways.
TEST(SpoolCrash, WhatWasTakenArrivesOnceWhateverStepIsTheLast) {
  using Kind = FaultPlan::Kind;
  std::size_t cuts = 0;
  for (const Kind kind :
       {Kind::kCrashBefore, Kind::kCrashAfter, Kind::kFailBefore, Kind::kFailAfter}) {
    bool last = false;
    for (std::size_t step = 1; !last; ++step) {
      for (unsigned seed = 0; seed < 4; ++seed, ++cuts) {
        SCOPED_TRACE(testing::Message()
                     << "kind " << static_cast<int>(kind) << " step " << step << " seed " << seed);
        FakeFileSystem files;
        FaultPlan plan;
        FaultyInParts faulty(files, plan);
        const std::string boot = NewUuid();
        Life life;
        plan.Set(kind, step);
        try {
          life.Run(faulty, boot);
        } catch (const Crash&) {
        }
        last = plan.steps() < step;
        plan.Clear();
        files.PowerCut(static_cast<unsigned>(step) * 4 + seed);
        life.Check(files, boot);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  RecordProperty("power_cuts", std::to_string(cuts));
}

TEST(SpoolCrash, ADamagedRecordIsReportedAsLostAndTheOthersArrive) {
  FakeFileSystem files;
  const std::string boot = NewUuid();
  {
    auto spool = Spool::Open(files, "/s", boot, 1 << 20);
    for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE((*spool)->Append({OutcomeNumber(i)}));
  }
  const auto names = files.List("/s");
  const std::string path = "/s/" + names->front();
  files.Damage(path, files.Read(path)->size() / 2);
  auto spool = Spool::Open(files, "/s", boot, 1 << 20);
  ASSERT_TRUE(spool);
  std::vector<std::uint64_t> generations;
  bool gap = false;
  Spool::Cursor cursor = 0;
  for (auto chunk = (*spool)->Next(0, 100, 1 << 20); chunk && *chunk;
       chunk = (*spool)->Next(cursor, 100, 1 << 20)) {
    for (const auto& record : (*chunk)->batch.records()) {
      if (record.has_gap()) gap = true;
      if (record.has_outcome()) generations.push_back(record.outcome().generation());
    }
    cursor = (*chunk)->end;
  }
  EXPECT_EQ(generations, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_TRUE(gap);
}

TEST(SpoolCrash, ASegmentWithADamagedHeaderIsSetAsideAndNotDeleted) {
  FakeFileSystem files;
  const std::string boot = NewUuid();
  ASSERT_TRUE((*Spool::Open(files, "/s", boot, 1 << 20))->Append({OutcomeNumber(1)}));
  const std::string path = "/s/" + files.List("/s")->front();
  files.Damage(path, 0);
  auto spool = Spool::Open(files, "/s", boot, 1 << 20);
  ASSERT_TRUE(spool);
  EXPECT_TRUE(files.Read(path + ".damaged"));
  const auto chunk = (*spool)->Next(0, 100, 1 << 20);
  ASSERT_TRUE(chunk && *chunk);
  EXPECT_TRUE((*chunk)->batch.records(0).has_gap());
}

}  // namespace
}  // namespace remapfleet::agent
