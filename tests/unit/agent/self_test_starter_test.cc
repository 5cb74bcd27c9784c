#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/posix/files.h"
#include "agent/selftest/enclosure.h"
#include "agent/selftest/starter.h"
#include "tests/fakes/fake_world.h"
#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class SelfTestStarterTest : public ::testing::Test {
 protected:
  // A program in smartctl's place.
  void Program(const std::string& script) {
    const fs::path path = folder_.path() / "smartctl";
    std::ofstream(path) << "#!/bin/sh\necho \"$@\" >" << (folder_.path() / "arguments").string()
                        << "\n"
                        << script << "\n";
    chmod(path.c_str(), 0700);
  }
  Status Start(const Drive& drive, SelfTestKind kind,
               std::chrono::milliseconds time = std::chrono::seconds(30)) {
    return MakeSelfTestStarter({folder_.path() / "smartctl", time})->Start(drive, kind);
  }
  std::string Arguments() const { return ReadTrimmed(folder_.path() / "arguments"); }
  static Drive Disk(SmartAccess access) {
    Drive drive = MakeFakeDrive("no-such-disk", 0, "S", 1000);
    drive.access = access;
    return drive;
  }

  TempFolder folder_;
};

TEST_F(SelfTestStarterTest, EachKindIsAskedInItsWay) {
  Program("exit 0");
  ASSERT_TRUE(Start(Disk(SmartAccess::kAta), SelfTestKind::kShort));
  EXPECT_EQ(Arguments(), "-t short -n standby,3 /dev/no-such-disk");
  ASSERT_TRUE(Start(Disk(SmartAccess::kSmartctl), SelfTestKind::kExtended));
  EXPECT_EQ(Arguments(), "-t long -n standby,3 /dev/no-such-disk");
  ASSERT_TRUE(Start(MakeMember("/dev/bus/0", "megaraid,4"), SelfTestKind::kShort));
  EXPECT_EQ(Arguments(), "-t short -n standby,3 -d megaraid,4 /dev/bus/0");
  EXPECT_EQ(Start(Disk(SmartAccess::kNone), SelfTestKind::kShort).error().code(),
            Code::kUnimplemented);
  EXPECT_THAT(Start(Disk(SmartAccess::kNvme), SelfTestKind::kShort).error().message(),
              HasSubstr("opening it"));
}

TEST_F(SelfTestStarterTest, WhatSmartctlSaysIsExplained) {
  struct Case {
    int status;
    std::optional<Code> code;
    const char* says;
  };
  for (const Case& c :
       {Case{0, std::nullopt, ""}, Case{8, std::nullopt, ""}, Case{0x40 | 0x80, std::nullopt, ""},
        Case{1, Code::kInvalidArgument, "drives.member"},
        Case{2, Code::kUnavailable, "could not open it"},
        Case{3, Code::kFailedPrecondition, "sleeps"},
        Case{4, Code::kUnavailable, "runs one already"},
        Case{4 | 64, Code::kUnavailable, "exit status 68"}}) {
    const Status status = ExplainSmartctlStart(c.status, "");
    ASSERT_EQ(status.has_value(), !c.code) << c.status;
    if (!c.code) continue;
    EXPECT_EQ(status.error().code(), *c.code) << c.status;
    EXPECT_THAT(status.error().message(), HasSubstr(c.says));
  }
}

TEST_F(SelfTestStarterTest, ItsOwnWordsArePassedOnWithoutItsBanner) {
  Program(
      "echo 'smartctl 7.3 2022-02-28 r5338 [x86_64-linux] (local build)'\n"
      "echo 'Copyright (C) 2002-22, Bruce Allen'\necho\n"
      "echo \"Can't start self-test without aborting current test\"\nexit 4");
  const Status status = Start(Disk(SmartAccess::kAta), SelfTestKind::kShort);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("4): Can't start self-test without"));
  EXPECT_THAT(status.error().message(), Not(HasSubstr("Bruce")));
}

TEST_F(SelfTestStarterTest, OneThatHangsIsEndedAndOneThatIsNotThereSaidSo) {
  Program("sleep 1000");
  EXPECT_EQ(Start(Disk(SmartAccess::kAta), SelfTestKind::kShort, std::chrono::milliseconds(200))
                .error()
                .code(),
            Code::kDeadlineExceeded);
  fs::remove(folder_.path() / "smartctl");
  EXPECT_THAT(Start(Disk(SmartAccess::kAta), SelfTestKind::kShort).error().message(),
              HasSubstr("install smartmontools"));
}

TEST(Enclosure, IsWhatDrivesShare) {
  const std::string pci = "/sys/devices/pci0000:00/0000:00:03.0/0000:02:00.0";
  for (const auto& [path, place] : std::vector<std::pair<std::string, std::string>>{
           {pci + "/host0/port-0:0/expander-0:0/port-0:0:4/end_device-0:0:4/target0:0:4/0:0:4:0/"
                  "block/sdb",
            pci + "/host0/port-0:0/expander-0:0"},
           {pci + "/host0/port-0:0/expander-0:0/port-0:0:9/expander-0:1/port-0:1:2/"
                  "end_device-0:1:2/target0:0:7/0:0:7:0/block/sdh",
            pci + "/host0/port-0:0/expander-0:0/port-0:0:9/expander-0:1"},
           {pci + "/host0/port-0:3/end_device-0:3/target0:0:3/0:0:3:0/block/sdd", pci + "/host0"},
           {pci + "/ata3/host2/target2:0:0/2:0:0:0/block/sdc", pci},
           {pci + "/host0/target0:0:8/0:0:8:0/enclosure/0:0:8:0/Slot 01",
            pci + "/host0/target0:0:8/0:0:8:0/enclosure/0:0:8:0"},
           {pci + "/nvme/nvme0/nvme0n1", ""},
           {"/sys/devices/virtual/block/loop0", ""},
           {"", ""}}) {
    EXPECT_EQ(EnclosureOfPath(path), place) << path;
  }
}

TEST(Enclosure, IsFoundThroughTheKernelsLinks) {
  const TempFolder folder;
  const fs::path root = fs::canonical(folder.path());
  const fs::path disk = root / "devices/host0/target0:0:1/0:0:1:0";
  const fs::path slot = root / "devices/host0/target0:0:8/0:0:8:0/enclosure/0:0:8:0/Slot 01";
  fs::create_directories(disk / "block/sdb");
  fs::create_directories(slot);
  fs::create_directory_symlink(disk, disk / "block/sdb/device");
  fs::create_directories(root / "block");
  fs::create_directory_symlink(disk / "block/sdb", root / "block/sdb");
  const Drive drive = MakeFakeDrive("sdb", 16, "S", 1000);
  EXPECT_EQ(FindEnclosure({.sys = root}, drive), root / "devices/host0");
  fs::create_directory_symlink(slot, disk / "enclosure_device:Slot 01");
  EXPECT_EQ(FindEnclosure({.sys = root}, drive), slot.parent_path());
  EXPECT_EQ(FindEnclosure({.sys = root}, MakeMember("/dev/bus/0", "megaraid,4")), "/dev/bus/0");
}

}  // namespace
}  // namespace remapfleet::agent
