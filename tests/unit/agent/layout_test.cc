#include "agent/remap/layout.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_world.h"

namespace remapfleet::agent {
namespace {

class LayoutTest : public testing::Test {
 protected:
  LayoutTest() {
    allowed_.name = "data0";
    allowed_.drive = "/dev/sda";
    allowed_.spare = "serial-FAKE-SPARE";
  }
  Result<Layout> Make() {
    const FindDrive find = [this](const std::string& name) -> std::optional<Drive> {
      for (const Drive& drive : {main_, spare_}) {
        if (drive.identity.path() == name || drive.identity.drive_id() == name) return drive;
      }
      return std::nullopt;
    };
    const auto spec = SpecFromConfig(allowed_, find);
    if (!spec) return Fail(spec.error());
    return MakeLayout(*spec, allowed_, find);
  }
  Drive main_ = MakeFakeDrive("sda", 0, "MAIN", 1'000'003);
  Drive spare_ = MakeFakeDrive("sdb", 16, "SPARE", 80'000);
  AllowedDevice allowed_;
};

TEST_F(LayoutTest, TheTargetIsAWholeNumberOfBlocks) {
  EXPECT_EQ(Make()->target_sectors, 1'000'000U);
  allowed_.block_size_sectors = 64;
  EXPECT_EQ(Make()->target_sectors, 1'000'003U / 64 * 64);
  EXPECT_EQ(Make()->Table().params, "1 8:0 0 1 8:16 0 80000 2 block_size 64");
  allowed_.block_size_sectors = 0;
  allowed_.data_offset_sectors = 2048;
  EXPECT_EQ(Make()->target_sectors, (1'000'003U - 2048) / 8 * 8);
}

TEST_F(LayoutTest, ATableMatchesWhateverWasSetAtRunTimeAndNothingElse) {
  const Layout layout = *Make();
  DmTarget live = layout.Table();
  EXPECT_TRUE(layout.Matches(live));
  live.params = "1 8:0 0 1 8:16 0 80000 6 block_size 8 read_retries 5 error_burst 0";
  EXPECT_TRUE(layout.Matches(live));
  for (const char* params :
       {"1 8:1 0 1 8:16 0 80000 0", "1 8:0 8 1 8:16 0 80000 0", "1 8:0 0 1 8:32 0 80000 0",
        "1 8:0 0 1 8:16 8 80000 0", "1 8:0 0 1 8:16 0 79992 0", "8:0 0", ""}) {
    live.params = params;
    EXPECT_FALSE(layout.Matches(live)) << params;
  }
  live = layout.Table();
  live.type = "linear";
  EXPECT_FALSE(layout.Matches(live));
  live = layout.Table();
  live.length -= 8;
  EXPECT_FALSE(layout.Matches(live));
}

TEST_F(LayoutTest, WhatDoesNotFitIsRefused) {
  allowed_.spare_offset_sectors = 80'000;
  EXPECT_EQ(Make().error().code(), Code::kOutOfRange);
  allowed_.spare_offset_sectors = 8;
  allowed_.spare_length_sectors = 80'000;
  EXPECT_EQ(Make().error().code(), Code::kOutOfRange);
  allowed_ = {"data0", "/dev/sda", "/dev/sda", 0, 0, 0, 0};
  EXPECT_EQ(Make().error().code(), Code::kInvalidArgument);
  allowed_ = {"data0", "/dev/sda", "/dev/sdb", 0, 0, 1'000'003, 0};
  EXPECT_EQ(Make().error().code(), Code::kOutOfRange);
  allowed_ = {"data0", "/dev/sdx", "/dev/sdb", 0, 0, 0, 0};
  EXPECT_EQ(Make().error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace remapfleet::agent
