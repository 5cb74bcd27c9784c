#include "agent/disks/smart_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSas[] =
    R"({"smartctl":{"exit_status":0},"device":{"name":"/dev/bus/0","protocol":"SCSI"},)"
    R"("scsi_model_name":"SEAGATE ST8000NM0075","serial_number":"ZA1","revision":"E002",)"
    R"("logical_unit_id":"0x5000c500a1b2c3d4","rotation_rate":7200,)"
    R"("power_on_time":{"hours":40000},"scsi_grown_defect_list":3})";

class SmartctlTest : public ::testing::Test {
 protected:
  // A program in smartctl's place.
  void Program(const std::string& script) {
    const fs::path path = folder_ / "smartctl";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    chmod(path.c_str(), 0700);
  }
  v1::DriveHealth Read(const Drive& drive,
                       std::chrono::milliseconds time = std::chrono::seconds(30)) {
    const auto source = MakeSmartSource({folder_ / "smartctl", time}, folder_);
    v1::DriveHealth health;
    *health.mutable_drive() = drive.identity;
    source->Read(drive, health);
    return health;
  }
  // The kernel's file about a disk.
  void Sys(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / "block" / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  static Drive SasDisk() {
    Drive drive;
    drive.identity.set_path("/dev/sdb");
    drive.identity.set_drive_id("wwn-0x5000c500a1b2c3d4");
    drive.identity.set_model("ST8000NM0075");
    drive.identity.set_serial("ZA1");
    drive.major = 8;
    drive.access = SmartAccess::kSmartctl;
    return drive;
  }
  std::string Arguments() const {
    std::ifstream file(folder_ / "arguments");
    std::string text;
    std::getline(file, text);
    return text;
  }

  const TempFolder own_;
  const fs::path& folder_ = own_.path();
};

TEST_F(SmartctlTest, ADiskKeepsTheNameThatTheKernelKnowsItBy) {
  Program("echo \"$@\" >" + (folder_ / "arguments").string() + "; cat <<'END'\n" + kSas + "\nEND");
  const auto health = Read(SasDisk());
  EXPECT_EQ(Arguments(), "--json=c -x -n standby,3 /dev/sdb");
  EXPECT_EQ(health.grown_defects(), 3U);
  EXPECT_EQ(health.protocol(), v1::DriveHealth::PROTOCOL_SCSI);
  EXPECT_EQ(health.drive().path(), "/dev/sdb");
  EXPECT_EQ(health.drive().model(), "ST8000NM0075");
  EXPECT_EQ(health.drive().firmware(), "E002");
  EXPECT_EQ(health.drive().rotation_rpm(), 7200U);
  EXPECT_EQ(health.power_state(), v1::DriveHealth::POWER_STATE_ACTIVE);
}

TEST_F(SmartctlTest, AMemberIsWhoItSaysItIsAtItsPlace) {
  Program("echo \"$@\" >" + (folder_ / "arguments").string() + "; cat <<'END'\n" + kSas + "\nEND");
  const Drive member = MakeMember("/dev/bus/0", "megaraid,4");
  EXPECT_EQ(member.identity.drive_id(), "path-0-megaraid_4");
  const auto health = Read(member);
  EXPECT_EQ(Arguments(), "--json=c -x -n standby,3 -d megaraid,4 /dev/bus/0");
  EXPECT_EQ(health.drive().drive_id(), "wwn-0x5000c500a1b2c3d4");
  EXPECT_EQ(health.drive().path(), "/dev/bus/0 [megaraid,4]");
  EXPECT_EQ(health.drive().serial(), "ZA1");
}

TEST_F(SmartctlTest, AMemberWithoutASerialNumberIsKnownByItsPlace) {
  Program(R"(echo '{"smartctl":{},"device":{"name":"/dev/bus/0"},"model_name":"M"}')");
  EXPECT_EQ(Read(MakeMember("/dev/bus/0", "cciss,1")).drive().drive_id(), "path-0-cciss_1");
}

TEST_F(SmartctlTest, ADriveThatSleepsIsSaidSoAndHasNoReadings) {
  Program(R"(echo '{"smartctl":{"exit_status":3}}'; exit 3)");
  const auto health = Read(SasDisk());
  EXPECT_EQ(health.power_state(), v1::DriveHealth::POWER_STATE_STANDBY);
  EXPECT_FALSE(health.has_power_on_hours());
  EXPECT_EQ(health.problems_size(), 0);
}

TEST_F(SmartctlTest, WhatGoesWrongIsSaidInItsOwnWords) {
  Program("echo 'smartctl: cannot be' >&2; exit 1");
  EXPECT_THAT(Read(SasDisk()).problems(), ElementsAre(HasSubstr("smartctl: cannot be")));
  Program("echo garbage");
  EXPECT_THAT(Read(SasDisk()).problems(), ElementsAre(HasSubstr("not JSON")));
  Program("exec sleep 1000");
  EXPECT_THAT(Read(SasDisk(), std::chrono::milliseconds(300)).problems(),
              ElementsAre(HasSubstr("not done after 300 ms")));
  fs::remove(folder_ / "smartctl");
  const auto health = Read(SasDisk());
  EXPECT_THAT(health.problems(), ElementsAre(HasSubstr("install smartmontools")));
  EXPECT_EQ(health.drive().drive_id(), "wwn-0x5000c500a1b2c3d4");
}

TEST_F(SmartctlTest, WhatTheKernelHasPutToSleepIsNotEvenOpened) {
  Program("touch " + (folder_ / "opened").string() + "; echo '" + kSas + "'");
  Sys("sdb/device/power/runtime_status", "suspended");
  const auto health = Read(SasDisk());
  EXPECT_EQ(health.power_state(), v1::DriveHealth::POWER_STATE_STANDBY);
  EXPECT_FALSE(fs::exists(folder_ / "opened"));
  Sys("sdb/device/power/runtime_status", "active");
  EXPECT_EQ(Read(SasDisk()).grown_defects(), 3U);
}

TEST_F(SmartctlTest, WhatWasReadOfAnotherDiskIsNotTaken) {
  Drive drive = SasDisk();
  drive.sequence = 7;
  Sys("sdb/diskseq", "7");
  Program("echo 8 >" + (folder_ / "block/sdb/diskseq").string() + "; echo '" + kSas + "'");
  const auto health = Read(drive);
  EXPECT_FALSE(health.has_grown_defects());
  EXPECT_EQ(health.drive().drive_id(), drive.identity.drive_id());
  EXPECT_THAT(health.problems(), ElementsAre(HasSubstr("has gone")));
}

TEST_F(SmartctlTest, ADiskThatCannotBeAskedIsSaidSo) {
  Drive drive = SasDisk();
  drive.access = SmartAccess::kNone;
  EXPECT_EQ(Read(drive).problems_size(), 1);
}

}  // namespace
}  // namespace remapfleet::agent
