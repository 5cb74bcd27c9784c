#include <gtest/gtest.h>

#include <fstream>

#include "controller/config.h"
#include "controller/ctl/parse.h"
#include "controller/ctl/render.h"
#include "controller/history/page_token.h"

namespace remapfleet {
namespace {

TEST(Render, TablesAlignAndPlansShowTheirEvidence) {
  EXPECT_EQ(ctl::Table({{"A", "LONG"}, {"xxx", "y"}}), "A    LONG\nxxx  y\n");
  v1::Plan plan;
  plan.set_plan_id("p1");
  plan.set_state(v1::Plan::STATE_APPLIED);
  auto& evidence = *plan.add_evidence();
  evidence.mutable_range()->set_first_sector(1000);
  evidence.mutable_range()->set_sector_count(8);
  evidence.set_what("read error EIO");
  evidence.mutable_time()->set_seconds(1'700'000'000);
  plan.mutable_read_back()->set_table("0 8 remap 1");
  plan.mutable_read_back()->add_queries("1000 remapped");
  const std::string text = ctl::Render(plan);
  EXPECT_NE(text.find("2023-11-14T22:13:20.000000Z LBA 1000+8: read error EIO"), std::string::npos)
      << text;
  EXPECT_NE(text.find("APPLIED"), std::string::npos);
  EXPECT_NE(text.find("1000 remapped"), std::string::npos);
}

TEST(Render, AbsentIsNotZero) {
  v1::Device device;
  device.mutable_health()->mutable_drive()->set_drive_id("x");
  EXPECT_NE(ctl::Render(device).find("reallocated      -"), std::string::npos)
      << ctl::Render(device);
  device.mutable_health()->set_reallocated_sectors(0);
  EXPECT_NE(ctl::Render(device).find("reallocated      0"), std::string::npos);
}

TEST(Json, HasFieldNamesOfTheProtoAndDefaults) {
  const std::string json = ctl::Json(v1::ListPlansResponse());
  EXPECT_NE(json.find("\"plans\": []"), std::string::npos);
  EXPECT_NE(json.find("\"next_page_token\": \"\""), std::string::npos);
}

TEST(ExitCode, TellsScriptsWhatHappened) {
  EXPECT_EQ(ctl::ExitCode(Code::kInvalidArgument), 2);
  EXPECT_EQ(ctl::ExitCode(Code::kNotFound), 3);
  EXPECT_EQ(ctl::ExitCode(Code::kPermissionDenied), 4);
  EXPECT_EQ(ctl::ExitCode(Code::kFailedPrecondition), 5);
  EXPECT_EQ(ctl::ExitCode(Code::kUnavailable), 6);
  EXPECT_EQ(ctl::ExitCode(Code::kDeadlineExceeded), 124);
  EXPECT_EQ(ctl::ExitCode(Code::kInternal), 1);
}

TEST(PageToken, RoundTripsAndRefusesWhatItDidNotMake) {
  const std::vector<std::string> key = {"2026-01-01 00:00:00+00", "a-b", ""};
  EXPECT_EQ(*ParsePageToken(MakePageToken(key), 3), key);
  EXPECT_TRUE(ParsePageToken("", 3)->empty());
  for (const char* bad :
       {"x", "-", "61", "61-", "6-6-6-", "61-61-61", "61-61-61-61-", "6A-61-61-"}) {
    EXPECT_FALSE(ParsePageToken(bad, 3)) << bad;
  }
}

class ConfigTest : public testing::Test {
 protected:
  Result<ControllerConfig> Load(const std::string& text) {
    path_ = testing::TempDir() + "controller-" + NewUuid() + ".toml";
    std::ofstream(path_) << text;
    return LoadConfig(path_);
  }
  std::string path_;
  const std::string tls_ = "[tls]\ncertificate = 'a'\nkey = 'b'\nca = 'c'\n";
};

TEST_F(ConfigTest, MissingDatabaseSaysHowToGetOne) {
  const auto config = Load(tls_);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message().find("deploy/postgres-local start"), std::string::npos);
}

TEST_F(ConfigTest, UnknownKeyIsNamedWithItsPlace) {
  const auto config = Load("[database]\nurl = 'x'\n[policy]\nauto_block_per_day = 5\n" + tls_);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message(), path_ + ":4:1: unknown key policy.auto_block_per_day");
}

TEST_F(ConfigTest, GoodOneIsRead) {
  const auto config = Load("[database]\nurl = 'x'\n[policy]\nauto_blocks_per_day = 5\n" + tls_);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->policy.auto_blocks_per_day, 5);
  EXPECT_EQ(config->tls.ca, "c");
}

TEST(Render, ShowsControlCharactersAsWhatTheyAreNot) {
  EXPECT_EQ(ctl::Table({{"a\x1b[2Jb", "c\nd"}}), "a?[2Jb  c?d\n");
}

TEST(ParseRange, TakesWholeNumbersOnly) {
  const auto range = ctl::ParseRange("81920+8");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first_sector(), 81920U);
  EXPECT_EQ(range->sector_count(), 8U);
  EXPECT_EQ(ctl::ParseRange("7")->sector_count(), 1U);
  for (const char* bad : {"", "+", "8+", "+8", "-8", " 8", "8 ", "8+-3", "8++3", "0x8",
                          "18446744073709551616", "8+8+8"}) {
    EXPECT_FALSE(ctl::ParseRange(bad)) << bad;
  }
}

}  // namespace
}  // namespace remapfleet
