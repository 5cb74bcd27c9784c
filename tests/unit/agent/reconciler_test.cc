#include "agent/remap/reconciler.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/node.h"

namespace remapfleet::agent {
namespace {

using Blocks = std::set<std::uint64_t>;

TEST(Reconciler, CreatesItsDeviceOnceAndAdoptsItAfterwards) {
  Node node;
  node.Start();
  EXPECT_TRUE(node.Live());
  EXPECT_EQ(node.modules.loads, 1);
  node.guard.used = {"/dev/sda", "/dev/sdb"};  // by the device itself
  node.Start();
  EXPECT_EQ(node.reconciler->Up().size(), 1U);
  EXPECT_EQ(node.dm.counts().creates, 1U);
  EXPECT_EQ(node.Said(), "");
}

TEST(Reconciler, AppliesRangesAndSettingsAndSaysWhatTheKernelSays) {
  Node node;
  node.Start();
  node.Handle(node.Desire(1, {{80, 16}, {803, 1}}, {{"read_retries", "5"}}));
  EXPECT_EQ(node.Said(), "1:ACCEPTED 1:APPLIED");
  EXPECT_EQ(node.Remapped(), (Blocks{10, 11, 100}));
  EXPECT_EQ(node.last.read_back().blocks_remapped(), 3U);
  ASSERT_EQ(node.last.read_back().queries_size(), 2);
  EXPECT_EQ(node.last.read_back().queries(1), "803 remapped block=100");
  EXPECT_NE(node.last.read_back().status().find(" remaps=3 "), std::string::npos);
  EXPECT_EQ(node.last.nonce(), "n1");
  EXPECT_EQ(*node.dm.Message("data0", "get read_retries"), "5");
}

TEST(Reconciler, TheKernelsWordIsAboutWhatIsNew) {
  Node node;
  node.Start();
  node.Handle(node.Desire(1, {{80, 16}}));
  node.Handle(node.Desire(2, {{80, 16}, {803, 1}}));
  EXPECT_EQ(node.Said(), "1:ACCEPTED 1:APPLIED 2:ACCEPTED 2:APPLIED");
  ASSERT_EQ(node.last.read_back().queries_size(), 1);
  EXPECT_EQ(node.last.read_back().queries(0), "803 remapped block=100");
}

TEST(Reconciler, ARepeatChangesNothingAndIsAnsweredAnew) {
  Node node;
  node.Start();
  node.Handle(node.Desire(1, {{80, 16}}, {{"read_retries", "5"}}));
  node.Said();
  v1::Desired again = node.Desire(1, {{80, 16}}, {{"read_retries", "5"}});
  again.set_nonce("other");
  node.Handle(again);
  EXPECT_EQ(node.Said(), "1:APPLIED");
  EXPECT_EQ(node.last.nonce(), "other");
  EXPECT_EQ(node.dm.counts().moves, 2U);
  EXPECT_EQ(node.dm.counts().sets, 1U);
}

TEST(Reconciler, AnUnreadableBlockWaitsForItsWriteAndTheRestIsMoved) {
  Node node;
  node.Start();
  for (const std::uint64_t block : {10, 13, 14, 19}) node.dm.SetUnreadable(Node::kMain, block);
  node.Handle(node.Desire(1, {{80, 80}}));
  EXPECT_EQ(node.Said(), "1:ACCEPTED 1:APPLIED");
  EXPECT_EQ(node.Remapped(), (Blocks{11, 12, 15, 16, 17, 18}));
  EXPECT_EQ(node.last.read_back().blocks_remapped(), 6U);
}

TEST(Reconciler, WhatTheKernelDoesNotConfirmIsNotApplied) {
  Node node;
  node.Start();
  node.dm.SetLying(true);
  node.Handle(node.Desire(1, {{80, 16}}, {{"read_retries", "7"}}));
  EXPECT_EQ(node.Said(), "1:ACCEPTED 1:REJECTED");
  EXPECT_EQ(static_cast<Code>(node.last.error_code()), Code::kAborted);
  EXPECT_EQ(*node.dm.Message("data0", "get read_retries"), "2");
}

TEST(Reconciler, ARefusedSettingLeavesAllOthersAsTheyWere) {
  Node node;
  node.Start();
  node.Handle(node.Desire(1, {}, {{"alloc", "near"}, {"read_retries", "nonsense"}}));
  EXPECT_EQ(node.Said(), "1:ACCEPTED 1:REJECTED");
  EXPECT_EQ(*node.dm.Message("data0", "get alloc"), "wear");
  EXPECT_EQ(*node.dm.Message("data0", "get read_retries"), "2");
}

TEST(Reconciler, OlderAndChangedGenerationsAreRefused) {
  Node node;
  node.Start();
  node.Handle(node.Desire(5, {{80, 8}}));
  EXPECT_EQ(node.Said(), "5:ACCEPTED 5:APPLIED");
  node.Handle(node.Desire(4, {{160, 8}}));
  EXPECT_EQ(node.Said(), "4:REJECTED");
  EXPECT_EQ(static_cast<Code>(node.last.error_code()), Code::kFailedPrecondition);
  node.Handle(node.Desire(5, {{160, 8}}));
  EXPECT_EQ(node.Said(), "5:REJECTED");
  EXPECT_EQ(static_cast<Code>(node.last.error_code()), Code::kAborted);
  EXPECT_EQ(node.Remapped(), (Blocks{10}));
}

struct Refusal {
  const char* name;
  Code code;
  const char* says;
  std::function<void(Node&, v1::Desired&)> make;
};

void Rehash(v1::Desired& desired) { desired.set_spec_sha256(SpecHash(desired.remap_device())); }

const std::vector<Refusal>& Refusals() {
  static const std::vector<Refusal> refusals = {
      {"serial", Code::kFailedPrecondition, "has serial \"MAIN\", not \"OTHER\"",
       [](Node&, v1::Desired& d) { d.mutable_remap_device()->set_expected_serial("OTHER"); }},
      {"drive", Code::kNotFound, "serial-FAKE-X is not present",
       [](Node&, v1::Desired& d) { d.mutable_remap_device()->set_drive_id("serial-FAKE-X"); }},
      {"layout", Code::kPermissionDenied, "another layout",
       [](Node&, v1::Desired& d) { d.mutable_remap_device()->set_spare_length_sectors(79'992); }},
      {"range", Code::kOutOfRange, "not inside the device",
       [](Node&, v1::Desired& d) {
         d.mutable_remap_device()->mutable_remap_ranges(0)->set_first_sector(1'000'000);
         d.mutable_remap_device()->mutable_remap_ranges(0)->set_sector_count(8);
       }},
      {"hour", Code::kResourceExhausted, "max_blocks_per_hour",
       [](Node&, v1::Desired& d) {
         d.mutable_remap_device()->mutable_remap_ranges(0)->set_sector_count(8 * 101);
       }},
      {"spare", Code::kResourceExhausted, "max_spare_percent",
       [](Node& node, v1::Desired&) { node.dm.SpareOn(Node::kSpare).slots = 1; }},
      {"devices", Code::kResourceExhausted, "max_devices_per_hour",
       [](Node& node, v1::Desired&) {
         ASSERT_TRUE(node.files.WriteDurably(
             "/state/budget",
             std::to_string(node.clock.Now().time_since_epoch().count()) + " 1 device=other\n"));
         node.max_devices_per_hour = 1;
         node.Start();
         node.Said();
       }},
      {"mounted", Code::kFailedPrecondition, "/dev/sda is in use",
       [](Node& node, v1::Desired&) {
         node.dm.Reboot();
         node.guard.used.insert("/dev/sda");
       }},
      {"foreign", Code::kFailedPrecondition, "holds ext4",
       [](Node& node, v1::Desired&) {
         node.dm.Reboot();
         node.guard.foreign.insert("/dev/sdb@0");
       }},
      {"blank", Code::kFailedPrecondition, "has lost its mappings",
       [](Node& node, v1::Desired&) {
         node.dm.Reboot();
         node.guard.blank.insert("/dev/sdb");
       }},
      {"small", Code::kOutOfRange, "does not fit on /dev/sdb of 70000 sectors",
       [](Node& node, v1::Desired&) {
         node.drives.Set({MakeFakeDrive("sda", 0, "MAIN", 1'000'003),
                          MakeFakeDrive("sdb", 16, "SPARE", 70'000)});
       }},
      {"twin", Code::kFailedPrecondition, "have the same identity",
       [](Node& node, v1::Desired&) {
         node.drives.Set({MakeFakeDrive("sda", 0, "MAIN", 1'000'003),
                          MakeFakeDrive("sdc", 32, "MAIN", 1'000'003),
                          MakeFakeDrive("sdb", 16, "SPARE", 80'000)});
       }},
      {"table", Code::kFailedPrecondition, "exists with another table",
       [](Node& node, v1::Desired&) {
         node.dm.AddDevice("data0", "x", DmTarget{0, 8, "linear", "8:0 0"});
       }},
      {"hash", Code::kDataLoss, "hash",
       [](Node&, v1::Desired& d) { d.set_spec_sha256("not this"); }},
      {"expired", Code::kDeadlineExceeded, "expired",
       [](Node& node, v1::Desired& d) { *d.mutable_expires_at() = ToProto(node.clock.Now()); }},
      {"kind", Code::kInvalidArgument, "does not fit",
       [](Node&, v1::Desired& d) { d.set_kind("remap/other"); }},
      {"device", Code::kPermissionDenied, "has no device \"other\"",
       [](Node&, v1::Desired& d) {
         d.set_kind("remap/other");
         d.mutable_remap_device()->set_device_name("other");
       }},
  };
  return refusals;
}

TEST(Reconciler, RefusesWithItsReasonAndKeepsTheLastGoodState) {
  for (const Refusal& refusal : Refusals()) {
    SCOPED_TRACE(refusal.name);
    Node node;
    node.max_blocks_per_hour = 101;
    node.Start();
    node.Handle(node.Desire(1, {{80, 8}}));
    ASSERT_EQ(node.Said(), "1:ACCEPTED 1:APPLIED");
    v1::Desired desired = node.Desire(2, {{160, 8}});
    desired.set_kind("remap/data0");
    refusal.make(node, desired);
    if (desired.spec_sha256() != "not this") Rehash(desired);
    node.Handle(desired);
    EXPECT_EQ(node.Said(), "2:REJECTED");
    EXPECT_EQ(static_cast<Code>(node.last.error_code()), refusal.code);
    EXPECT_NE(node.last.error_message().find(refusal.says), std::string::npos)
        << node.last.error_message();
    EXPECT_EQ(node.Remapped(), (Blocks{10}));
    EXPECT_EQ(node.reconciler->Known().at(0).generation(), 1U);
  }
}

TEST(Reconciler, WaitsForItsTimeEvenOverARestart) {
  Node node;
  node.Start();
  v1::Desired later = node.Desire(1, {{80, 8}});
  *later.mutable_not_before() = ToProto(node.clock.Now() + std::chrono::minutes(5));
  node.Handle(later);
  EXPECT_EQ(node.Said(), "1:ACCEPTED");
  node.Start();
  EXPECT_EQ(node.Said(), "");
  EXPECT_EQ(node.reconciler->RunDue(), node.clock.Now() + std::chrono::minutes(5));
  node.clock.Advance(std::chrono::minutes(5));
  EXPECT_FALSE(node.reconciler->RunDue());
  EXPECT_EQ(node.Said(), "1:APPLIED");
}

TEST(Reconciler, ANewerStateReplacesOneThatWaits) {
  Node node;
  node.Start();
  v1::Desired later = node.Desire(1, {{80, 8}});
  *later.mutable_not_before() = ToProto(node.clock.Now() + std::chrono::minutes(5));
  node.Handle(later);
  node.Handle(node.Desire(2, {{160, 8}}));
  node.clock.Advance(std::chrono::minutes(5));
  node.reconciler->RunDue();
  EXPECT_EQ(node.Said(), "1:ACCEPTED 2:ACCEPTED 2:APPLIED");
  EXPECT_EQ(node.Remapped(), (Blocks{20}));
}

TEST(Reconciler, AnOutcomeThatCouldNotBeStoredIsReportedLater) {
  Node node;
  node.Start();
  node.plan.Set(FaultPlan::Kind::kNone, 0);
  node.Handle(node.Desire(1, {}));
  const std::size_t steps = node.plan.steps();
  node.Said();
  // The report before the last write is the APPLIED one.
  node.plan.Set(FaultPlan::Kind::kFailBefore, steps - 2);
  node.Handle(node.Desire(2, {}));
  node.plan.Clear();
  EXPECT_EQ(node.Said(), "2:ACCEPTED");
  node.reconciler->RunDue();
  EXPECT_EQ(node.Said(), "2:APPLIED");
  node.reconciler->RunDue();
  EXPECT_EQ(node.Said(), "");
}

TEST(Reconciler, AnOutcomeThatCouldNotBeKeptIsNotReportedBeforeItIs) {
  Node node;
  node.Start();
  node.plan.Set(FaultPlan::Kind::kNone, 0);
  node.Handle(node.Desire(1, {}));
  const std::size_t steps = node.plan.steps();
  node.Said();
  // Before the report the last good state and the newest are written.
  for (const std::uint64_t generation : {2, 3}) {
    node.plan.Set(FaultPlan::Kind::kFailBefore, steps - 2 - (generation - 1));
    node.Handle(node.Desire(generation, {}));
    node.plan.Clear();
    EXPECT_EQ(node.Said(), fmt::format("{}:ACCEPTED", generation));
    node.reconciler->RunDue();
    EXPECT_EQ(node.Said(), fmt::format("{}:APPLIED", generation));
  }
}

}  // namespace
}  // namespace remapfleet::agent
