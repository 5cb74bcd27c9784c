#include "agent/disks/ata_logs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;

class AtaLogsTest : public ::testing::Test {
 protected:
  AtaLogsTest() {
    // Says how often it was asked, as the number of errors that the log ever got.
    std::ofstream(folder_ / "smartctl")
        << "#!/bin/sh\necho >>" << (folder_ / "asked").string() << "\n"
        << R"(echo '{"smartctl":{},"device":{"name":"/dev/sda","protocol":"ATA"},"model_name":"M",)"
        << R"("rotation_rate":7200,"temperature":{"current":99},"power_on_time":{"hours":1},)"
        << R"("ata_sct_erc":{"read":{"enabled":true,"deciseconds":70}},)"
        << R"("ata_smart_error_log":{"summary":{"count":'$(wc -l <)" << (folder_ / "asked").string()
        << R"()'}}}')"
        << "\n";
    chmod((folder_ / "smartctl").c_str(), 0700);
    drive_.identity.set_path("/dev/sda");
    drive_.major = 8;
    drive_.sequence = 7;
    health_.set_temperature_celsius(30);
    health_.set_pending_sectors(1);
  }
  v1::DriveHealth Fill(AtaLogs::Time now) {
    v1::DriveHealth health = health_;
    logs_.Fill(drive_, health, now);
    return health;
  }

  const TempFolder own_;
  const fs::path& folder_ = own_.path();
  AtaLogs logs_{{folder_ / "smartctl"}};
  Drive drive_;
  v1::DriveHealth health_;
  const AtaLogs::Time start_ = std::chrono::steady_clock::now();
};

TEST_F(AtaLogsTest, TheyAddWhatTheAttributesDoNotSay) {
  const auto health = Fill(start_);
  EXPECT_EQ(health.error_log_entries(), 1U);
  EXPECT_EQ(health.read_recovery_limit_ms(), 7000U);
  EXPECT_EQ(health.drive().rotation_rpm(), 7200U);
  EXPECT_EQ(health.temperature_celsius(), 30);
  EXPECT_FALSE(health.has_power_on_hours());
  EXPECT_EQ(health.problems_size(), 0);
}

TEST_F(AtaLogsTest, TheyAreReadOnceAnHour) {
  Fill(start_);
  EXPECT_EQ(Fill(start_ + std::chrono::minutes(59)).error_log_entries(), 1U);
  EXPECT_EQ(Fill(start_ + std::chrono::minutes(60)).error_log_entries(), 2U);
  EXPECT_EQ(Fill(start_ + std::chrono::minutes(61)).error_log_entries(), 2U);
}

TEST_F(AtaLogsTest, TheyAreReadAtOnceWhenACounterOfErrorsMoves) {
  Fill(start_);
  health_.set_pending_sectors(2);
  EXPECT_EQ(Fill(start_ + std::chrono::minutes(5)).error_log_entries(), 2U);
  EXPECT_EQ(Fill(start_ + std::chrono::minutes(10)).error_log_entries(), 2U);
}

TEST_F(AtaLogsTest, AnotherDiskAtTheSameNodeHasItsOwn) {
  Fill(start_);
  drive_.sequence = 8;
  EXPECT_EQ(Fill(start_ + std::chrono::minutes(5)).error_log_entries(), 2U);
}

}  // namespace
}  // namespace remapfleet::agent
