#include <gtest/gtest.h>

#include "tests/unit/agent/node.h"

namespace remapfleet::agent {
namespace {

TEST(BringUp, AMountedDiskOrSpareIsNotTaken) {
  for (const char* path : {"/dev/sda", "/dev/sdb"}) {
    Node node;
    node.guard.used.insert(path);
    node.Start();
    EXPECT_FALSE(node.Live()) << path;
  }
}

TEST(BringUp, ASpareWithDataIsNotFormatted) {
  Node node;
  node.guard.foreign.insert("/dev/sdb@0");
  node.Start();
  EXPECT_FALSE(node.Live());
  EXPECT_EQ(node.dm.counts().formats, 0U);
}

TEST(BringUp, ADiskWithDataIsAdoptedInPlaceButGetsNoSignature) {
  Node node;
  node.guard.foreign.insert("/dev/sda@0");
  node.Start();
  EXPECT_TRUE(node.Live());
  Node headed;
  headed.guard.foreign.insert("/dev/sda@0");
  headed.allowed.data_offset_sectors = 2048;
  headed.Start();
  EXPECT_FALSE(headed.Live());
}

TEST(BringUp, AnotherDriveAtTheSamePlaceIsNotTaken) {
  Node node;
  node.Start();
  node.dm.Reboot();
  node.drives.Set(
      {MakeFakeDrive("sda", 0, "STRANGER", 1'000'003), MakeFakeDrive("sdb", 16, "SPARE", 80'000)});
  node.Start();
  EXPECT_FALSE(node.Live());
  node.drives.Set(
      {MakeFakeDrive("sda", 0, "MAIN", 1'000'003), MakeFakeDrive("sdb", 16, "OTHERSPARE", 80'000)});
  node.Start();
  EXPECT_FALSE(node.Live());
  EXPECT_EQ(node.dm.counts().formats, 1U);
}

TEST(BringUp, ADriveWithATwinIsNotTaken) {
  Node node;
  auto drives = node.drives.Find();
  drives.push_back(MakeFakeDrive("sdc", 32, "MAIN", 1'000'003));
  node.drives.Set(drives);
  node.Start();
  EXPECT_FALSE(node.Live());
  drives.pop_back();
  node.drives.Set(drives);
  node.reconciler->Retry();
  EXPECT_TRUE(node.Live());
}

TEST(BringUp, ASpareInTheMiddleOfSomebodysDiskIsNotTaken) {
  Node node;
  node.allowed.spare_offset_sectors = 8192;
  node.guard.foreign = {"/dev/sdb@0"};
  node.Start();
  EXPECT_FALSE(node.Live());
  node.guard.foreign.clear();
  node.Start();
  EXPECT_TRUE(node.Live());
}

TEST(BringUp, ASpareThatLostItsMappingsIsNotFormattedAnew) {
  Node node;
  node.Start();
  node.dm.Reboot();
  node.guard.blank.insert("/dev/sdb");
  node.Start();
  EXPECT_FALSE(node.Live());
  EXPECT_EQ(node.dm.counts().formats, 1U);
}

TEST(BringUp, ADriveThatCannotBeToldFromOthersIsNotAdoptedInPlace) {
  Node node;
  node.drives.Set(
      {MakeFakeDrive("sda", 0, "", 1'000'003), MakeFakeDrive("sdb", 16, "SPARE", 80'000)});
  node.Start();
  EXPECT_FALSE(node.Live());
  node.allowed.data_offset_sectors = 2048;
  node.Start();
  EXPECT_TRUE(node.Live());
}

TEST(BringUp, AnAbandonedCreationIsFinishedAndAStrangersLeft) {
  Node node;
  node.dm.AddDevice("data0", "REMAPFLEET-data0", std::nullopt);
  node.Start();
  EXPECT_TRUE(node.Live());
  Node other;
  other.dm.AddDevice("data0", "LVM-x", std::nullopt);
  other.Start();
  EXPECT_FALSE(other.Live());
}

TEST(BringUp, ASuspendedDeviceIsResumed) {
  Node node;
  node.Start();
  node.dm.Suspend("data0");
  node.Start();
  EXPECT_FALSE((*node.dm.Info("data0"))->suspended);
}

TEST(BringUp, ALateDriveIsTakenWhenItComes) {
  Node node;
  const auto drives = node.drives.Find();
  node.drives.Set({drives[1]});
  node.Start();
  node.reconciler->Retry();
  EXPECT_FALSE(node.Live());
  node.drives.Set(drives);
  node.reconciler->Retry();
  EXPECT_TRUE(node.Live());
  EXPECT_EQ(node.reconciler->Up().size(), 1U);
}

TEST(BringUp, ADeviceThatSomebodyRemovedComesBack) {
  Node node;
  node.Start();
  node.dm.Reboot();
  EXPECT_FALSE(node.Live());
  node.reconciler->Retry();
  EXPECT_TRUE(node.Live());
  EXPECT_EQ(node.dm.counts().formats, 1U);
}

TEST(BringUp, WhatWasAppliedComesBackWithoutTheController) {
  Node node;
  node.Start();
  node.Handle(node.Desire(1, {{80, 16}}, {{"read_retries", "5"}}));
  ASSERT_EQ(node.Said(), "1:ACCEPTED 1:APPLIED");
  node.dm.Reboot();
  node.Start();
  EXPECT_EQ(*node.dm.Message("data0", "get read_retries"), "5");
  EXPECT_EQ(node.dm.counts().moves, 2U);
  EXPECT_EQ(node.Said(), "");
}

TEST(BringUp, AStoreThatCannotBeReadIsNotTakenForAnEmptyOne) {
  Node node;
  node.Start();
  node.Handle(node.Desire(7, {{80, 8}}));
  node.Said();
  node.files.Damage("/state/desired/remap.data0", 40);
  node.Start();
  node.Handle(node.Desire(3, {{160, 8}}));
  EXPECT_EQ(node.Said(), "3:REJECTED");
  EXPECT_EQ(static_cast<Code>(node.last.error_code()), Code::kDataLoss);
  EXPECT_EQ(node.Remapped().size(), 1U);
}

// kill -9, or a power cut, at every step of a change, before it and after it: the node comes to the
// same end, moves no block twice, and says so.
class CrashEverywhere : public testing::TestWithParam<bool> {};

TEST_P(CrashEverywhere, ARestartConverges) {
  const bool power_cut = GetParam();
  for (const auto kind : {FaultPlan::Kind::kCrashBefore, FaultPlan::Kind::kCrashAfter}) {
    std::size_t crashes = 0;
    for (std::size_t step = 1;; ++step) {
      SCOPED_TRACE(step);
      Node node;
      node.dm.SetUnreadable(Node::kMain, 12);
      bool crashed = false;
      node.plan.Set(kind, step);
      try {
        node.Start();
        node.Handle(node.Desire(1, {{80, 1200}, {8000, 8}}, {{"read_retries", "5"}}));
      } catch (const Crash&) {
        crashed = true;
        ++crashes;
      }
      node.plan.Clear();
      if (crashed) {
        if (power_cut) {
          node.dm.Reboot();
          node.files.PowerCut(static_cast<unsigned>(step));
        }
        const bool accepted = !node.outcomes.empty();
        node.Start();
        // If the node had not taken it, the controller sends it again.
        EXPECT_FALSE(accepted && node.reconciler->Known().empty());
        if (node.reconciler->Known().empty()) {
          node.Handle(node.Desire(1, {{80, 1200}, {8000, 8}}, {{"read_retries", "5"}}));
        }
      }
      EXPECT_EQ(
          node.outcomes.empty() ? "nothing" : v1::Outcome::Stage_Name(node.outcomes.back().stage()),
          "STAGE_APPLIED");
      EXPECT_EQ(node.Remapped().size(), 150U);
      EXPECT_EQ(node.dm.counts().moves, 150U);
      EXPECT_EQ(node.dm.counts().formats, 1U);
      EXPECT_EQ(*node.dm.Message("data0", "get read_retries"), "5");
      // Told exactly once, but for a crash between telling and noting it.
      std::size_t applied = 0;
      for (const auto& outcome : node.outcomes) {
        if (outcome.stage() == v1::Outcome::STAGE_APPLIED) ++applied;
        EXPECT_NE(outcome.stage(), v1::Outcome::STAGE_REJECTED);
      }
      EXPECT_LE(applied, 2U);
      node.outcomes.clear();
      node.Start();
      EXPECT_EQ(node.Said(), "");
      if (!crashed) break;
    }
    EXPECT_GT(crashes, 15U);
  }
}

// It has expired meanwhile, so that it would be refused if it came now.
TEST_P(CrashEverywhere, WhatWasSaidOfAGenerationStaysSaid) {
  for (const auto kind : {FaultPlan::Kind::kCrashBefore, FaultPlan::Kind::kCrashAfter}) {
    std::size_t said = 0;
    for (std::size_t step = 1;; ++step) {
      SCOPED_TRACE(step);
      Node node;
      v1::Desired desired = node.Desire(1, {{80, 16}});
      *desired.mutable_expires_at() = ToProto(node.clock.Now() + std::chrono::hours(1));
      node.plan.Set(kind, step);
      bool crashed = false;
      try {
        node.Start();
        node.Handle(desired);
      } catch (const Crash&) {
        crashed = true;
      }
      node.plan.Clear();
      if (!crashed) break;
      if (GetParam()) {
        node.dm.Reboot();
        node.files.PowerCut(static_cast<unsigned>(step));
      }
      node.clock.Advance(std::chrono::hours(2));
      const bool applied =
          !node.outcomes.empty() && node.outcomes.back().stage() == v1::Outcome::STAGE_APPLIED;
      node.Start();
      if (!applied) continue;
      ++said;
      EXPECT_EQ(node.outcomes.back().stage(), v1::Outcome::STAGE_APPLIED);
    }
    EXPECT_GT(said, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(, CrashEverywhere, testing::Bool(),
                         [](const auto& which) { return which.param ? "ByPowerCut" : "ByKill"; });

}  // namespace
}  // namespace remapfleet::agent
