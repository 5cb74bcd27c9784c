#include "controller/decide/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "controller/decide/block_set.h"

namespace remapfleet {
namespace {

constexpr std::uint64_t kDriveSectors = 1'000'003;  // not a whole number of blocks

v1::SectorRange Range(std::uint64_t first, std::uint64_t count) {
  v1::SectorRange range;
  range.set_first_sector(first);
  range.set_sector_count(count);
  return range;
}

DriveView View() {
  DriveView view;
  view.host_id = "node-1";
  view.drive.set_drive_id("serial-x");
  view.drive.set_size_bytes(kDriveSectors * 512);
  view.spec.set_device_name("data0");
  view.status.set_block_bytes(4096);
  return view;
}

v1::Record ReadError(std::uint64_t first, std::uint64_t count = 8) {
  v1::Record record;
  auto& error = *record.mutable_io_error();
  *error.mutable_range() = Range(first, count);
  error.set_operation(v1::IoError::OPERATION_READ);
  error.set_errno_value(5);
  error.set_count(1);
  error.mutable_time()->set_seconds(1000);
  return record;
}

v1::Record Weak(std::uint64_t first, bool readable, unsigned failed, int latency_ms,
                int threshold_ms = 50) {
  v1::Record record;
  auto& weak = *record.mutable_weak_block();
  *weak.mutable_range() = Range(first, 8);
  weak.set_readable(readable);
  weak.set_failed_reads(failed);
  weak.mutable_latency()->set_nanos(latency_ms * 1'000'000);
  weak.mutable_slow_threshold()->set_nanos(threshold_ms * 1'000'000);
  return record;
}

std::string Text(const std::vector<Decision>& decisions) {
  std::string text;
  for (const Decision& decision : decisions) {
    text += v1::Plan::Action_Name(decision.plan.action()) + " " +
            v1::Plan::State_Name(decision.plan.state());
    for (const auto& range : decision.plan.ranges()) {
      text +=
          " " + std::to_string(range.first_sector()) + "+" + std::to_string(range.sector_count());
    }
    text += ";";
  }
  return text;
}

TEST(Decide, ABlockThatCouldNotBeReadGoesWhenItIsWrittenAndThatIsExplained) {
  const auto decisions = Decide(View(), {ReadError(1003, 1)}, {});
  EXPECT_EQ(Text(decisions), "ACTION_REMAP_ON_WRITE STATE_APPROVED 1000+8;");
  const v1::Plan& plan = decisions[0].plan;
  EXPECT_EQ(plan.reason(), "read error EIO at LBA 1003+1");
  ASSERT_EQ(plan.evidence_size(), 1);
  EXPECT_EQ(plan.evidence(0).time().seconds(), 1000);
  EXPECT_EQ(plan.decided_by(), "policy");
}

TEST(Decide, ASummaryOfAStormNamesNoPlace) {
  v1::Record summary = ReadError(800, 8);
  summary.mutable_io_error()->set_summary(true);
  EXPECT_EQ(Text(Decide(View(), {summary}, {})), "");
  EXPECT_EQ(Text(Decide(View(), {summary, ReadError(1003, 1)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 1000+8;");
}

TEST(Decide, AnErrorOfNoPlaceIsNoEvidenceOfTheFirstSector) {
  v1::Record flush = ReadError(0, 8);
  flush.mutable_io_error()->clear_range();
  EXPECT_EQ(Text(Decide(View(), {flush}, {})), "");
  EXPECT_EQ(Text(Decide(View(), {flush, ReadError(0, 8)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 0+8;");
}

TEST(Decide, APendingBlockWaitsForItsRewrite) {
  DriveView view = View();
  view.spec.set_data_offset_sectors(2048);
  *view.status.add_pending() = Range(1000, 8);  // of the target
  const auto decisions = Decide(view, {ReadError(3048, 16), ReadError(3088, 16)}, {});
  EXPECT_EQ(Text(decisions),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 3048+8;ACTION_PROACTIVE_COPY STATE_APPROVED "
            "3056+8 3088+16;");
}

TEST(Decide, AListedPendingBlockNeedsNoErrorToBeBelieved) {
  DriveView view = View();
  view.spec.set_data_offset_sectors(2048);
  v1::Record listed;
  *listed.mutable_remap_status()->add_pending() = Range(1000, 16);  // of the target
  listed.mutable_remap_status()->mutable_time()->set_seconds(500);
  EXPECT_TRUE(Decide(view, {listed}, {}).empty());  // it was, and is no more
  *view.status.add_pending() = Range(1008, 64);
  const auto decisions = Decide(view, {listed}, {});
  EXPECT_EQ(Text(decisions), "ACTION_REMAP_ON_WRITE STATE_APPROVED 3056+8;");
  EXPECT_EQ(decisions[0].plan.reason(), "listed as pending by the target at LBA 3056+8");
  EXPECT_EQ(decisions[0].plan.evidence(0).time().seconds(), 500);
  // The error itself says more.
  EXPECT_EQ(Decide(view, {listed, ReadError(3056)}, {}).at(0).plan.reason(),
            "read error EIO at LBA 3056+8");
  // What is wanted already is left alone.
  *view.spec.add_remap_ranges() = Range(3056, 8);
  EXPECT_TRUE(Decide(view, {listed}, {}).empty());
}

TEST(Decide, BlocksAreCountedFromTheDataOffset) {
  DriveView view = View();
  view.spec.set_data_offset_sectors(2049);
  EXPECT_EQ(Text(Decide(view, {ReadError(2056, 1)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 2049+8;");
  EXPECT_EQ(Text(Decide(view, {ReadError(2057, 1)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 2057+8;");
  EXPECT_TRUE(Decide(view, {ReadError(2000, 49)}, {}).empty());  // before the target
}

TEST(Decide, TheLastBlockIsCutAtTheEndOfTheDrive) {
  EXPECT_EQ(Text(Decide(View(), {ReadError(kDriveSectors - 1, 1)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 1000000+3;");
  EXPECT_TRUE(Decide(View(), {ReadError(kDriveSectors, 8)}, {}).empty());
}

TEST(Decide, ANarrowErrorReplacesTheWideOneAroundIt) {
  EXPECT_EQ(Text(Decide(View(), {ReadError(1000, 256), ReadError(1128, 8)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 1128+8;");
  EXPECT_EQ(Text(Decide(View(), {ReadError(1000, 24)}, {})),
            "ACTION_PROACTIVE_COPY STATE_APPROVED 1000+24;");
}

TEST(Decide, WriteErrorsWereTakenCareOfByTheTarget) {
  v1::Record record = ReadError(1000);
  record.mutable_io_error()->set_operation(v1::IoError::OPERATION_WRITE);
  EXPECT_TRUE(Decide(View(), {record}, {}).empty());
}

TEST(Decide, WeakNeighboursAreCopiedAndHealthyOnesLeft) {
  const std::vector<v1::Record> evidence = {ReadError(1000), Weak(1040, true, 2, 1),
                                            Weak(1080, true, 0, 51), Weak(1120, true, 0, 50),
                                            Weak(1160, false, 9, 0)};
  EXPECT_EQ(
      Text(Decide(View(), evidence, {})),
      "ACTION_REMAP_ON_WRITE STATE_APPROVED 1000+8 1160+8;ACTION_PROACTIVE_COPY STATE_APPROVED "
      "1040+8 1080+8;");
}

TEST(Decide, AWeakBlockFarFromErrorsIsLeft) {
  Policy policy;
  policy.weak_neighbourhood_bytes = 1 << 20;  // 2048 sectors
  EXPECT_EQ(Decide(View(), {Weak(8000, true, 1, 1)}, policy).size(), 0U);
  DriveView view = View();
  view.recent_errors.push_back(ReadError(8000 + 8 + 2047).io_error());
  EXPECT_EQ(Decide(view, {Weak(8000, true, 1, 1)}, policy).size(), 1U);
  view.recent_errors[0].mutable_range()->set_first_sector(8000 + 8 + 2048);
  EXPECT_EQ(Decide(view, {Weak(8000, true, 1, 1)}, policy).size(), 0U);
}

TEST(Decide, WhatIsWantedOrPlannedAlreadyIsLeftAlone) {
  DriveView view = View();
  *view.spec.add_remap_ranges() = Range(1000, 8);
  v1::Plan waiting;
  *waiting.add_ranges() = Range(2000, 8);
  view.plans.push_back(waiting);
  EXPECT_TRUE(Decide(view, {ReadError(1000), ReadError(2000)}, {}).empty());
  EXPECT_EQ(Text(Decide(view, {ReadError(1000, 16)}, {})),
            "ACTION_PROACTIVE_COPY STATE_APPROVED 1008+8;");
}

TEST(Decide, TheBudgetIsKeptToTheBlock) {
  Policy policy;
  policy.auto_blocks_per_day = 10;
  DriveView view = View();
  view.auto_blocks_in_last_day = 7;
  EXPECT_EQ(Text(Decide(view, {ReadError(800, 24)}, policy)),
            "ACTION_PROACTIVE_COPY STATE_APPROVED 800+24;");
  const auto over = Decide(view, {ReadError(800, 32)}, policy);
  EXPECT_EQ(Text(over), "ACTION_PROACTIVE_COPY STATE_AWAITING_APPROVAL 800+32;");
  EXPECT_NE(over[0].plan.reason().find("11 blocks in 24 hours would pass the policy's 10"),
            std::string::npos);
  EXPECT_EQ(over[0].plan.decided_by(), "");
}

TEST(Decide, TwoPlansOfOneRoundShareTheBudget) {
  Policy policy;
  policy.auto_blocks_per_day = 3;
  DriveView view = View();
  *view.status.add_pending() = Range(1000, 16);
  EXPECT_EQ(Text(Decide(view, {ReadError(1000, 16), ReadError(2000, 16)}, policy)),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 1000+16;ACTION_PROACTIVE_COPY "
            "STATE_AWAITING_APPROVAL 2000+16;");
}

// Evidence is used up by the decision: one that waited for the node's status would be lost.
TEST(Decide, BeforeTheNodeHasReportedTheDrivesOwnBlockSizeCounts) {
  DriveView view = View();
  view.status.Clear();
  view.drive.set_physical_block_bytes(4096);
  EXPECT_EQ(Text(Decide(view, {ReadError(1003, 1)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 1000+8;");
  view.drive.set_physical_block_bytes(0);
  EXPECT_EQ(Text(Decide(view, {ReadError(1003, 1)}, {})),
            "ACTION_REMAP_ON_WRITE STATE_APPROVED 1003+1;");
}

TEST(Decide, ARecordThatNamesAWholeDriveCostsNoMoreThanASmallOne) {
  DriveView view = View();
  view.drive.set_size_bytes(std::uint64_t{1} << 60);
  const auto decisions = Decide(view, {ReadError(0, std::uint64_t{1} << 51)}, {});
  EXPECT_EQ(Text(decisions), "ACTION_PROACTIVE_COPY STATE_AWAITING_APPROVAL 0+2251799813685248;");
  EXPECT_EQ(decisions[0].block_count, std::int64_t{1} << 48);
}

TEST(Decide, TheOrderOfTheEvidenceDoesNotMatter) {
  std::vector<v1::Record> evidence = {ReadError(1000),         ReadError(1000, 64),
                                      ReadError(5000, 3),      Weak(1100, true, 1, 3),
                                      Weak(5100, false, 3, 0), ReadError(999'999'999, 8),
                                      Weak(1100, true, 2, 3)};
  std::string expected;
  for (const auto& decision : Decide(View(), evidence, {}))
    expected += decision.plan.SerializeAsString();
  EXPECT_FALSE(expected.empty());
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(evidence.begin(), evidence.end(), random);
    std::string got;
    for (const auto& decision : Decide(View(), evidence, {}))
      got += decision.plan.SerializeAsString();
    EXPECT_EQ(got, expected);
  }
}

TEST(DecideManual, RefusesWhatIsOutsideAndWidensWhatIsInside) {
  const auto action = v1::Plan::ACTION_PROACTIVE_COPY;
  for (const auto& bad : {Range(kDriveSectors, 1), Range(kDriveSectors - 1, 2), Range(0, 0),
                          Range(1, ~std::uint64_t{0})}) {
    EXPECT_NE(DecideManual(View(), action, {bad}, {}).refusal, "") << bad.ShortDebugString();
  }
  const auto good = DecideManual(View(), action, {Range(9, 1), Range(17, 1)}, {});
  EXPECT_EQ(good.refusal, "");
  EXPECT_EQ(Text({good.decision}), "ACTION_PROACTIVE_COPY STATE_APPROVED 8+16;");
  EXPECT_EQ(good.decision.block_count, 2);
}

TEST(BlockSet, IsTheSetOfItsBlocks) {
  std::mt19937 random(7);
  const auto pick = [&random](std::uint64_t below) { return random() % below; };
  for (int round = 0; round < 200; ++round) {
    BlockSet set(3, 3 + 40 * 8 - 5, 8);
    std::set<std::uint64_t> model;
    for (int step = 0; step < 30; ++step) {
      const v1::SectorRange range = Range(pick(340), pick(60));
      std::set<std::uint64_t> touched;
      for (std::uint64_t sector = std::max<std::uint64_t>(range.first_sector(), 3);
           sector < std::min<std::uint64_t>(range.first_sector() + range.sector_count(), 318);
           ++sector) {
        touched.insert((sector - 3) / 8);
      }
      const auto in_model = [&](std::uint64_t block) { return model.contains(block); };
      ASSERT_EQ(set.Touches(range), std::any_of(touched.begin(), touched.end(), in_model));
      ASSERT_EQ(set.Contains(range),
                !touched.empty() && std::all_of(touched.begin(), touched.end(), in_model));
      if (pick(2) == 0) {
        set.Add(range);
        model.insert(touched.begin(), touched.end());
      } else {
        std::uint64_t taken = 0;
        for (const std::uint64_t block : touched) taken += model.erase(block);
        ASSERT_EQ(set.TakeTouched(range).size(), taken);
      }
      ASSERT_EQ(set.size(), model.size());
      std::set<std::uint64_t> blocks;
      std::uint64_t last_end = 0;
      for (const auto& own : set.Ranges()) {
        ASSERT_TRUE(blocks.empty() || own.first_sector() > last_end);
        last_end = own.first_sector() + own.sector_count();
        for (std::uint64_t s = own.first_sector(); s < last_end; s += 8) blocks.insert((s - 3) / 8);
      }
      ASSERT_EQ(blocks, model);
    }
  }
}

TEST(BlockSet, TakesTouchedBlocksOnly) {
  BlockSet set(0, 80, 8);
  set.Add(Range(0, 80));
  EXPECT_EQ(set.size(), 10U);
  const BlockSet taken = set.TakeTouched(Range(15, 2));
  EXPECT_EQ(taken.Ranges().size(), 1U);
  EXPECT_EQ(taken.Ranges()[0].first_sector(), 8U);
  EXPECT_EQ(taken.Ranges()[0].sector_count(), 16U);
  EXPECT_EQ(set.size(), 8U);
  EXPECT_FALSE(set.Contains(Range(8, 1)));
  EXPECT_TRUE(set.Contains(Range(24, 56)));
}

}  // namespace
}  // namespace remapfleet
