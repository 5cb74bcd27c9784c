#include "agent/remap/device_users.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;

class DeviceUsersTest : public ::testing::Test {
 protected:
  DeviceUsersTest() {
    Put("sys/class/block/sda/dev", "8:0");
    Put("sys/class/block/sda/sda1/partition", "1");
    Put("sys/class/block/sda1/dev", "8:1");
    Put("sys/class/block/sda/holders/none", "");
    fs::remove(root_ / "sys/class/block/sda/holders/none");
  }
  void Put(const std::string& name, const std::string& text) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text << "\n";
  }
  std::string Users() { return UsersOf("/dev/sda", {root_ / "sys", root_ / "proc"}); }

  const TempFolder folder_;
  const fs::path& root_ = folder_.path();
};

TEST_F(DeviceUsersTest, NobodyIsNamedWhereNobodyIs) {
  Put("proc/self/mountinfo", "22 1 8:16 / / rw shared:1 - ext4 /dev/sdb rw");
  Put("proc/swaps", "Filename Type Size Used Priority\n/dev/sdb2 partition 1 0 -2");
  EXPECT_EQ(Users(), "");
}

TEST_F(DeviceUsersTest, MountsAreNamedByNumberAndBySource) {
  Put("proc/self/mountinfo",
      "22 1 8:1 / /data rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "23 1 0:44 /sub /pool rw shared:2 master:1 - btrfs /dev/sda rw");
  EXPECT_EQ(Users(), "sda is mounted at /pool; sda1 is mounted at /data");
}

TEST_F(DeviceUsersTest, AnArrayIsNamedWithItsState) {
  Put("sys/class/block/sda1/holders/md0", "");
  Put("sys/class/block/md0/md/degraded", "1");
  Put("sys/class/block/md0/md/sync_action", "recover");
  EXPECT_EQ(Users(), "sda1 is in md0, which is degraded (1 missing), under recover");
  Put("sys/class/block/md0/md/degraded", "0");
  Put("sys/class/block/md0/md/sync_action", "idle");
  EXPECT_EQ(Users(), "sda1 is in md0");
}

TEST_F(DeviceUsersTest, AVolumeAndSwapAreNamed) {
  Put("sys/class/block/sda/holders/dm-1", "");
  Put("sys/class/block/dm-1/dm/name", "vg-root");
  Put("proc/swaps", "Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2");
  EXPECT_EQ(Users(), "sda is held by dm-1 (vg-root); sda1 is swapped to");
}

}  // namespace
}  // namespace remapfleet::agent
