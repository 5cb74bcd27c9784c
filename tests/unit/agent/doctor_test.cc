#include "agent/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "agent/doctor/check_controller.h"
#include "agent/doctor/check_drives.h"
#include "agent/doctor/check_host.h"
#include "tests/fakes/fake_world.h"
#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using Level = Finding::Level;

auto Says(Level level, const std::string& check, const std::string& text) {
  return AllOf(Field(&Finding::level, level), Field(&Finding::check, HasSubstr(check)),
               Field(&Finding::text, HasSubstr(text)));
}

class DoctorTest : public testing::Test {
 protected:
  static Drive Ata(const std::string& name, unsigned minor) {
    Drive drive = MakeFakeDrive(name, minor, name, 80'000);
    drive.access = SmartAccess::kAta;
    return drive;
  }
  void Write(const std::string& path, const std::string& text) const {
    const fs::path file = folder_.path() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  HostRoots Roots() const {
    const std::string root = folder_.path();
    return {root + "/proc", root + "/sys", root + "/dev", root + "/modules"};
  }

  TempFolder folder_;
  Config config_;
  FakeDrives drives_;
  FakeSmart smart_;
};

// Says what a drive that cannot be read says.
class Unreadable final : public SmartSource {
 public:
  void Read(const Drive& drive, v1::DriveHealth& health) override {
    if (drive.identity.path() == "/dev/sda") health.add_problems("Permission denied");
    if (drive.identity.path() == "/dev/sdb") {
      health.set_power_state(v1::DriveHealth::POWER_STATE_STANDBY);
    }
  }
};

TEST_F(DoctorTest, EachDriveHasItsWord) {
  config_.drives_allow = {"/dev/sd*", "/dev/nvme*"};
  Drive disk = MakeFakeDrive("sdc", 32, "sdc", 1000);
  drives_.Set({Ata("sda", 0), Ata("sdb", 16), disk});
  Unreadable smart;
  EXPECT_THAT(CheckDrives(config_, drives_, smart),
              ElementsAre(Says(Level::kWarn, "drives.allow", "/dev/nvme* matches no disk"),
                          Says(Level::kFail, "/dev/sda", "Permission denied"),
                          Says(Level::kOk, "/dev/sdb", "sleeps, and was not woken"),
                          Says(Level::kWarn, "/dev/sdc", "a virtual disk")));
  drives_.Set({Ata("sda", 0)});
  config_.drives_allow = {"/dev/sd*"};
  EXPECT_THAT(CheckDrives(config_, drives_, smart_),
              ElementsAre(Says(Level::kOk, "/dev/sda", "serial-FAKE-sda")));
  drives_.Set({});
  config_.drives_allow = {};
  EXPECT_THAT(CheckDrives(config_, drives_, smart_),
              ElementsAre(Says(Level::kFail, "drives", "none is watched")));
}

TEST_F(DoctorTest, TwoDrivesWithOneIdAreNamed) {
  config_.drives_allow = {"/dev/sd*"};
  Drive twin = Ata("sdb", 16);
  twin.identity.set_drive_id(Ata("sda", 0).identity.drive_id());
  drives_.Set({Ata("sda", 0), twin});
  EXPECT_THAT(CheckDrives(config_, drives_, smart_),
              ElementsAre(Says(Level::kFail, "/dev/sda", "/dev/sdb has the same id"),
                          Says(Level::kFail, "/dev/sdb", "/dev/sda has the same id")));
}

TEST_F(DoctorTest, ARemapDeviceNeedsItsDriveAndItsArea) {
  drives_.Set({Ata("sda", 0), Ata("sdb", 16)});
  RemapDeviceConfig device{"data0", "/dev/sda", "/dev/sdb"};
  config_.devices = {device};
  EXPECT_THAT(CheckRemapDevices(config_, drives_),
              ElementsAre(Says(Level::kOk, "data0", "/dev/sdb")));
  device.spare_offset_sectors = 70'000;
  device.spare_length_sectors = 10'001;
  config_.devices = {device};
  EXPECT_THAT(CheckRemapDevices(config_, drives_),
              ElementsAre(Says(Level::kFail, "data0", "ends behind the disk's 80000 sectors")));
  device.drive = "/dev/sdz";
  config_.devices = {device};
  EXPECT_THAT(CheckRemapDevices(config_, drives_),
              ElementsAre(Says(Level::kFail, "data0", "/dev/sdz is not there")));
}

TEST_F(DoctorTest, RightsAreThoseThatTheKernelTells) {
  Write("proc/self/status", "Name:\tx\nCapEff:\t0000000000220000\n");
  EXPECT_THAT(CheckRights(Roots()), ElementsAre(Says(Level::kOk, "rights", "enough")));
  Write("proc/self/status", "Name:\tx\nCapEff:\t0000000000020000\n");
  EXPECT_THAT(CheckRights(Roots()),
              ElementsAre(Says(Level::kFail, "rights", "CAP_SYS_ADMIN missing")));
}

TEST_F(DoctorTest, ErrorsAreSeenByTheTracepointOrElseInTheLog) {
  EXPECT_THAT(CheckErrorSources(Roots()), ElementsAre(Says(Level::kFail, "I/O", "no tracefs")));
  Write("dev/kmsg", "");
  EXPECT_THAT(CheckErrorSources(Roots()),
              ElementsAre(Says(Level::kWarn, "I/O", "the kernel's log serves instead")));
  Write("sys/kernel/tracing/instances/x", "");
  EXPECT_THAT(CheckErrorSources(Roots()), ElementsAre(Says(Level::kOk, "I/O", "will mount it")));
  Write("sys/kernel/tracing/events/block/block_rq_issue/id", "");
  EXPECT_THAT(CheckErrorSources(Roots()),
              ElementsAre(Says(Level::kWarn, "I/O", "no tracepoint block_rq_error")));
  Write("sys/kernel/tracing/events/block/block_rq_error/id", "");
  EXPECT_THAT(CheckErrorSources(Roots()), ElementsAre(Says(Level::kOk, "I/O", "LBA")));
}

TEST_F(DoctorTest, TheTargetIsThereOrCanBe) {
  config_.module = "dm-remap";
  config_.devices.push_back({"data0", "/dev/sda", "/dev/sdb"});
  Write("proc/sys/kernel/osrelease", "6.1.0-9\n");
  EXPECT_THAT(CheckTarget(Roots(), config_),
              ElementsAre(Says(Level::kFail, "device-mapper", "modprobe dm-mod"),
                          Says(Level::kFail, "module", "the kernel that runs, 6.1.0-9")));
  const auto devices = std::exchange(config_.devices, {});
  EXPECT_FALSE(AnyFailed(CheckTarget(Roots(), config_)));
  config_.devices = devices;
  Write("dev/mapper/control", "");
  Write("modules/6.1.0-9/modules.dep", "updates/dkms/dm-remap.ko: kernel/drivers/md/dm-mod.ko\n");
  EXPECT_THAT(CheckTarget(Roots(), config_),
              ElementsAre(Says(Level::kOk, "device-mapper", "opened"),
                          Says(Level::kOk, "module", "not loaded yet")));
  Write("sys/module/module/parameters/sig_enforce", "Y\n");
  EXPECT_THAT(CheckTarget(Roots(), config_)[1], Says(Level::kWarn, "module", "mokutil"));
  Write("sys/module/dm_remap/version", "0.1.0\n");
  EXPECT_THAT(CheckTarget(Roots(), config_)[1], Says(Level::kOk, "module", "loaded 0.1.0"));
}

TEST_F(DoctorTest, TheStateFolderIsWrittenTo) {
  config_.state_dir = folder_.path() / "state";
  EXPECT_THAT(CheckStateFolder(config_), ElementsAre(Says(Level::kOk, "state", "can be written")));
  EXPECT_TRUE(fs::is_empty(config_.state_dir));
  config_.spool_bytes = std::uint64_t{1} << 60;
  EXPECT_THAT(CheckStateFolder(config_), ElementsAre(Says(Level::kWarn, "state", "make room")));
  Write("file", "");
  config_.state_dir = folder_.path() / "file" / "state";
  EXPECT_THAT(CheckStateFolder(config_), ElementsAre(Says(Level::kFail, "state", "state_dir")));
}

TEST_F(DoctorTest, AControllerThatIsNotThereIsToldFromOneThatHasNoName) {
  config_.controller_addresses = {"127.0.0.1:1", "no-such-host.invalid:1"};
  EXPECT_THAT(CheckControllers(config_, std::chrono::seconds(5)),
              ElementsAre(Says(Level::kFail, "127.0.0.1:1", "cannot be reached"),
                          Says(Level::kFail, "no-such-host", "its name is not known")));
}

TEST_F(DoctorTest, OneFailureIsEnough) {
  const Findings good = {{Level::kOk, "a", "b"}, {Level::kWarn, "c", "d"}};
  EXPECT_FALSE(AnyFailed(good));
  EXPECT_EQ(RenderFindings(good, false), "ok    a: b\nwarn  c: d\n");
  const Findings bad = {{Level::kFail, "a", "\xff"}};
  EXPECT_TRUE(AnyFailed(bad));
  EXPECT_THAT(RenderFindings(bad, true), HasSubstr("\"level\": \"FAIL\""));
}

}  // namespace
}  // namespace remapfleet::agent
