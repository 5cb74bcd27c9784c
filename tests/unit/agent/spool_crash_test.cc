#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/link/spool.h"
#include "support/ids.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/faulty.h"

namespace remapfleet::agent {
namespace {

v1::Record OutcomeRecord(std::uint64_t generation) {
  v1::Record record;
  record.mutable_outcome()->set_kind("remap/data0");
  record.mutable_outcome()->set_generation(generation);
  record.mutable_outcome()->set_error_message(std::string(100, 'x'));
  return record;
}

// A controller's memory: what it committed, by boot and number.
class Committed {
 public:
  // Takes what the spool would send now, and acknowledges up to `most` of it.
  void Take(Spool& spool, std::size_t most) {
    Spool::Cursor cursor = 0;
    while (most > 0) {
      auto chunk = spool.Next(cursor, std::min<std::size_t>(most, 3), 1 << 20);
      if (!chunk || !*chunk) return;
      const v1::Batch& batch = (*chunk)->batch;
      std::uint64_t& last = last_[batch.boot_id()];
      std::uint64_t seq = batch.first_seq();
      for (const v1::Record& record : batch.records()) {
        if (seq > last) ++seen_[record.outcome().generation()];
        ++seq;
      }
      last = std::max(last, seq - 1);
      spool.Ack(batch.boot_id(), last);
      cursor = (*chunk)->end;
      most -= static_cast<std::size_t>(batch.records_size());
    }
  }
  const std::map<std::uint64_t, int>& seen() const { return seen_; }

 private:
  std::map<std::string, std::uint64_t> last_;
  std::map<std::uint64_t, int> seen_;  // by generation: how often with effect
};

// Every step of the spool's files is once the last one, or fails; then the power fails. What
// `Append` took reaches the controller once, in every case.
TEST(SpoolCrash, WhatWasTakenArrivesOnceWhateverStepIsTheLast) {
  using Kind = FaultPlan::Kind;
  for (const Kind kind :
       {Kind::kCrashBefore, Kind::kCrashAfter, Kind::kFailBefore, Kind::kFailAfter}) {
    for (std::size_t step = 1;; ++step) {
      SCOPED_TRACE(testing::Message() << "kind " << static_cast<int>(kind) << " step " << step);
      FakeFileSystem files;
      FaultPlan plan;
      FaultyFileSystem faulty(files, plan);
      Committed controller;
      std::set<std::uint64_t> taken;
      std::uint64_t next = 1;
      const std::string boot = NewUuid();
      plan.Set(kind, step);
      std::size_t steps = 0;
      try {
        auto spool = Spool::Open(faulty, "/s", boot, 8192);
        for (int round = 0; spool && round < 12; ++round) {
          std::vector<v1::Record> records;
          for (int i = 0; i < 3; ++i) records.push_back(OutcomeRecord(next + i));
          if ((*spool)->Append(records)) taken.insert({next, next + 1, next + 2});
          next += 3;
          if (round % 3 == 2) controller.Take(**spool, 4);
        }
      } catch (const Crash&) {
      }
      steps = plan.steps();
      plan.Clear();
      files.PowerCut(static_cast<unsigned>(step));
      auto spool = Spool::Open(files, "/s", boot, 8192);
      ASSERT_TRUE(spool) << spool.error().message();
      ASSERT_TRUE((*spool)->Append({OutcomeRecord(1000)}));
      controller.Take(**spool, 1000);
      for (const std::uint64_t generation : taken) {
        ASSERT_EQ(controller.seen().count(generation), 1U) << generation;
      }
      ASSERT_EQ(controller.seen().count(1000), 1U);
      for (const auto& [generation, times] : controller.seen()) EXPECT_EQ(times, 1) << generation;
      if (steps < step) break;
    }
  }
}

TEST(SpoolCrash, ADamagedRecordIsReportedAsLostAndTheOthersArrive) {
  FakeFileSystem files;
  const std::string boot = NewUuid();
  {
    auto spool = Spool::Open(files, "/s", boot, 1 << 20);
    for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE((*spool)->Append({OutcomeRecord(i)}));
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
  ASSERT_TRUE((*Spool::Open(files, "/s", boot, 1 << 20))->Append({OutcomeRecord(1)}));
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
