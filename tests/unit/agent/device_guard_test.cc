#include "agent/remap/device_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace remapfleet::agent {
namespace {

// A file in place of a device: 4 MiB of zeros until something is written to it.
class DeviceGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/guard.XXXXXX";
    const int fd = mkstemp(name.data());
    ASSERT_GE(fd, 0);
    ASSERT_EQ(ftruncate(fd, 4 << 20), 0);
    close(fd);
    path_ = name;
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void Write(std::uint64_t offset, const std::string& bytes) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
    ASSERT_TRUE(file.flush());
  }

  // Version 1, two pages, as mkswap writes it.
  void WriteSwap(std::uint64_t offset) {
    Write(offset + 1024, std::string("\1\0\0\0\1\0\0\0", 8));
    Write(offset + 4086, "SWAPSPACE2");
  }

  std::string WhyNot(std::uint64_t sector) {
    const Status free = guard_->CheckNoForeignData(path_, sector);
    if (free) return "";
    EXPECT_EQ(free.error().code(), Code::kFailedPrecondition);
    return free.error().message();
  }

  std::string path_;
  std::unique_ptr<DeviceGuard> guard_ = MakeDeviceGuard();
};

TEST_F(DeviceGuardTest, NothingIsNobodys) {
  EXPECT_EQ(WhyNot(0), "");
  Write(100, "no signature of anything");
  EXPECT_EQ(WhyNot(0), "");
}

TEST_F(DeviceGuardTest, DataIsSeenWhereTheAreaBegins) {
  WriteSwap(1 << 20);
  EXPECT_EQ(WhyNot(0), "");
  EXPECT_THAT(WhyNot(2048), testing::HasSubstr("holds swap at sector 2048: it is not overwritten"));
}

TEST_F(DeviceGuardTest, AFileSystemAndAPartitionTableAreSeen) {
  Write(0x438, "\x53\xef");
  EXPECT_THAT(WhyNot(0), testing::HasSubstr("ext2"));
  Write(0x438, std::string(2, '\0'));
  EXPECT_EQ(WhyNot(0), "");
  // One partition of type Linux from sector 2048 on.
  Write(446, std::string("\0\0\2\0\x83\0\2\0\0\x08\0\0\0\x08\0\0", 16));
  Write(510, "\x55\xaa");
  EXPECT_THAT(WhyNot(0), testing::HasSubstr("a dos partition table"));
}

TEST_F(DeviceGuardTest, SeveralKindsAtOnceAreDataToo) {
  WriteSwap(0);
  Write(0x438, "\x53\xef");
  EXPECT_NE(WhyNot(0), "");
}

TEST_F(DeviceGuardTest, WhatCannotBeLookedAtIsNotTaken) {
  const Status missing = guard_->CheckNoForeignData(path_ + ".none", 0);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_FALSE(guard_->CheckNoForeignData(path_, 1 << 20));  // behind the end
}

TEST_F(DeviceGuardTest, ASpareIsBlankOnlyIfBothEndsAre) {
  EXPECT_FALSE(guard_->CheckNotBlank(path_, 0, 8192));
  Write((4 << 20) - 8192, "x");
  EXPECT_TRUE(guard_->CheckNotBlank(path_, 0, 8192));
  EXPECT_FALSE(guard_->CheckNotBlank(path_, 0, 4096));
}

}  // namespace
}  // namespace remapfleet::agent
