#include <gtest/gtest.h>

#include <random>

#include "tests/unit/agent/node.h"

namespace remapfleet::agent {
namespace {

TEST(Budget, SpendsNoMoreThanItsHourEvenOverARestart) {
  FakeFileSystem files;
  FakeClock clock;
  auto budget = Budget::Open(files, "/b", {100, 2});
  ASSERT_TRUE(budget);
  EXPECT_TRUE(budget->Charge("a", 60, clock.Now()));
  EXPECT_FALSE(budget->Check("a", 41, clock.Now()));
  clock.Advance(std::chrono::minutes(30));
  budget = Budget::Open(files, "/b", {100, 2});
  EXPECT_TRUE(budget->Charge("a", 40, clock.Now()));
  EXPECT_FALSE(budget->Check("a", 1, clock.Now()));
  clock.Advance(std::chrono::minutes(30));
  EXPECT_TRUE(budget->Check("a", 60, clock.Now()));
  EXPECT_FALSE(budget->Check("a", 61, clock.Now()));
}

TEST(Budget, AClockSetBackNeitherFreesNorBlocksItForEver) {
  FakeFileSystem files;
  FakeClock clock;
  auto budget = Budget::Open(files, "/b", {100, 2});
  EXPECT_TRUE(budget->Charge("a", 100, clock.Now()));
  clock.Advance(-std::chrono::hours(1000));
  EXPECT_FALSE(budget->Check("a", 1, clock.Now()));
  clock.Advance(std::chrono::hours(1));
  EXPECT_TRUE(budget->Check("a", 100, clock.Now()));
}

TEST(Budget, ADamagedFileIsNoFreshBudget) {
  for (const char* text :
       {"x", "1 2 3\n", "17 -\n", "12 5\n\x01\n", "12 5 data0\n", "12 5 device=a b\n"}) {
    FakeFileSystem files;
    ASSERT_TRUE(files.WriteDurably("/b", text));
    const auto budget = Budget::Open(files, "/b", {100, 2});
    ASSERT_FALSE(budget) << text;
    EXPECT_EQ(budget.error().code(), Code::kDataLoss);
  }
}

TEST(Budget, BlocksAreMovedOnSoManyDevicesAnHourEvenOverARestart) {
  FakeFileSystem files;
  FakeClock clock;
  auto budget = Budget::Open(files, "/b", {100, 2});
  EXPECT_TRUE(budget->Charge("a", 1, clock.Now()));
  clock.Advance(std::chrono::minutes(30));
  EXPECT_TRUE(budget->Charge("b", 1, clock.Now()));
  budget = Budget::Open(files, "/b", {100, 2});
  ASSERT_TRUE(budget);
  const auto third = budget->Check("c", 1, clock.Now());
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().message(),
            "blocks were moved on 2 devices within this hour (a, b), and this node allows 2 "
            "(remap.max_devices_per_hour)");
  EXPECT_TRUE(budget->Charge("b", 1, clock.Now()));
  clock.Advance(std::chrono::minutes(30));
  EXPECT_TRUE(budget->Charge("c", 1, clock.Now()));
  EXPECT_FALSE(budget->Check("a", 1, clock.Now()));
}

// As an older version has written it.
TEST(Budget, ALineWithoutADeviceCountsItsBlocks) {
  FakeFileSystem files;
  ASSERT_TRUE(files.WriteDurably("/b", "1800000000000000 60\n"));
  FakeClock clock;
  auto budget = Budget::Open(files, "/b", {100, 1});
  ASSERT_TRUE(budget);
  EXPECT_FALSE(budget->Check("a", 41, clock.Now()));
  EXPECT_TRUE(budget->Check("a", 40, clock.Now()));
}

TEST(Budget, WhatCannotBeNotedMayNotBeMoved) {
  FakeFileSystem files;
  FaultPlan plan;
  FaultyFileSystem faulty(files, plan);
  auto budget = Budget::Open(faulty, "/b", {100, 2});
  plan.Set(FaultPlan::Kind::kFailBefore, 1);
  EXPECT_FALSE(budget->Charge("a", 10, FakeClock().Now()));
}

// Whatever is desired in whatever order, with crashes, reboots and the clock between: no hour sees
// more blocks moved than the cap, and the spare is never fuller than its share.
class Caps : public testing::TestWithParam<unsigned> {};

TEST_P(Caps, AreNeverExceeded) {
  std::minstd_rand random(GetParam());
  Node node;
  node.max_blocks_per_hour = 60;
  node.max_spare_percent = 50;
  node.dm.SpareOn(Node::kSpare).slots = 300;
  node.Start();
  struct Moved {
    TimePoint time;
    std::uint64_t blocks;
  };
  std::vector<Moved> log;
  std::uint64_t moves = 0;
  std::uint64_t generation = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    for (auto i = random() % 4; i > 0; --i) {
      ranges.emplace_back(random() % 4000, 1 + random() % (8 * (1 + random() % 70)));
    }
    v1::Desired desired = node.Desire(random() % 8 == 0 ? generation : ++generation, ranges);
    if (random() % 4 == 0) {
      *desired.mutable_not_before() =
          ToProto(node.clock.Now() + std::chrono::minutes(random() % 90));
    }
    try {
      if (random() % 3 == 0) {
        node.plan.Set(
            random() % 2 == 0 ? FaultPlan::Kind::kCrashAfter : FaultPlan::Kind::kFailAfter,
            1 + random() % 25);
      }
      node.Handle(desired);
      node.reconciler->RunDue();
    } catch (const Crash&) {
      if (random() % 2 == 0) {
        node.dm.Reboot();
        node.files.PowerCut(static_cast<unsigned>(random()));
      }
      node.plan.Clear();
      node.Start();
    }
    node.plan.Clear();
    if (random() % 16 == 0) node.dm.Unmap(Node::kSpare, random() % 500);
    const std::uint64_t now_moved = node.dm.counts().moves;
    log.push_back({node.clock.Now(), now_moved - moves});
    moves = now_moved;
    std::uint64_t in_hour = 0;
    for (const Moved& moved : log) {
      if (moved.time > node.clock.Now() - std::chrono::hours(1)) in_hour += moved.blocks;
    }
    ASSERT_LE(in_hour, 60U) << round;
    ASSERT_LE(node.Remapped().size(), 150U) << round;
    node.clock.Advance(std::chrono::minutes(random() % 20));
  }
  EXPECT_GT(moves, 60U);
}

INSTANTIATE_TEST_SUITE_P(, Caps, testing::Range(1U, 11U));

}  // namespace
}  // namespace remapfleet::agent
