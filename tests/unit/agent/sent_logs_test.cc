#include "agent/disks/sent_logs.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_world.h"
#include "tests/unit/agent/typical_drive.h"

namespace remapfleet::agent {
namespace {

class SentLogsTest : public testing::Test {
 protected:
  static v1::DriveHealth Health(const std::string& drive, unsigned errors, unsigned tests) {
    v1::DriveHealth health;
    health.mutable_drive()->set_drive_id(drive);
    health.set_power_on_hours(1000);
    for (unsigned i = 0; i < errors; ++i) health.add_logged_errors()->set_number(i);
    for (unsigned i = 0; i < tests; ++i) health.add_self_tests()->set_power_on_hours(i);
    return health;
  }
  // Whether the logs are sent.
  bool Sends(v1::DriveHealth health) {
    const v1::DriveHealth whole = health;
    sent_.LeaveOut(health, clock_.Now());
    if (health.SerializeAsString() == whole.SerializeAsString()) return true;
    EXPECT_TRUE(health.logs_unchanged());
    EXPECT_EQ(health.logged_errors_size() + health.self_tests_size(), 0);
    EXPECT_EQ(health.power_on_hours(), whole.power_on_hours());
    return false;
  }

  FakeClock clock_;
  SentLogs sent_;
};

TEST_F(SentLogsTest, TheSameLogsAreSentOnceForEachDrive) {
  EXPECT_TRUE(Sends(Health("a", 5, 21)));
  EXPECT_FALSE(Sends(Health("a", 5, 21)));
  EXPECT_TRUE(Sends(Health("b", 5, 21)));
  EXPECT_FALSE(Sends(Health("b", 5, 21)));
}

TEST_F(SentLogsTest, WhatChangesIsSentWhole) {
  ASSERT_TRUE(Sends(Health("a", 5, 21)));
  EXPECT_TRUE(Sends(Health("a", 6, 21)));
  EXPECT_TRUE(Sends(Health("a", 6, 20)));
  EXPECT_FALSE(Sends(Health("a", 6, 20)));
  // Entries are the same, and stand in the other log.
  EXPECT_TRUE(Sends(Health("a", 0, 1)));
  EXPECT_TRUE(Sends(Health("a", 1, 0)));
}

TEST_F(SentLogsTest, TheyAreSentAgainAfterADay) {
  ASSERT_TRUE(Sends(Health("a", 5, 21)));
  clock_.Advance(SentLogs::kAgain - std::chrono::seconds(1));
  EXPECT_FALSE(Sends(Health("a", 5, 21)));
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(Sends(Health("a", 5, 21)));
  EXPECT_FALSE(Sends(Health("a", 5, 21)));
}

TEST_F(SentLogsTest, AClockThatIsSetBackHidesNothing) {
  ASSERT_TRUE(Sends(Health("a", 5, 21)));
  clock_.Advance(-std::chrono::hours(1));
  EXPECT_TRUE(Sends(Health("a", 5, 21)));
}

TEST_F(SentLogsTest, WhatMayNotHaveArrivedIsSentAgain) {
  ASSERT_TRUE(Sends(Health("a", 5, 21)));
  sent_.Forget();
  EXPECT_TRUE(Sends(Health("a", 5, 21)));
}

// Empty logs are told as such, and then the controller has no others.
TEST_F(SentLogsTest, LogsThatWereEmptyInBetweenAreSentAgain) {
  ASSERT_TRUE(Sends(Health("a", 5, 21)));
  EXPECT_TRUE(Sends(Health("a", 0, 0)));
  EXPECT_TRUE(Sends(Health("a", 0, 0)));
  EXPECT_TRUE(Sends(Health("a", 5, 21)));
}

TEST_F(SentLogsTest, ADriveThatSleptIsAsItWas) {
  ASSERT_TRUE(Sends(Health("a", 5, 21)));
  v1::DriveHealth asleep;
  asleep.mutable_drive()->set_drive_id("a");
  asleep.set_power_state(v1::DriveHealth::POWER_STATE_STANDBY);
  EXPECT_TRUE(Sends(asleep));
  EXPECT_FALSE(Sends(Health("a", 5, 21)));
}

// The budget is 20 KiB a minute on the wire for 36 drives, of which this is what is to be carried,
// before it is compressed.
TEST_F(SentLogsTest, ThirtySixDrivesKeepToTheirShareOfTheWire) {
  constexpr unsigned kDrives = 36;
  std::uint64_t whole = 0;
  std::uint64_t sent = 0;
  for (unsigned minute = 0; minute < 24 * 60; minute += 5) {
    for (unsigned drive = 0; drive < kDrives; ++drive) {
      v1::DriveHealth health = TypicalHealth(drive, minute);
      whole += health.ByteSizeLong();
      sent_.LeaveOut(health, clock_.Now());
      sent += health.ByteSizeLong();
    }
    clock_.Advance(std::chrono::minutes(5));
  }
  RecordProperty("whole_bytes_a_minute", std::to_string(whole / (24 * 60)));
  RecordProperty("sent_bytes_a_minute", std::to_string(sent / (24 * 60)));
  std::printf("%lu bytes a minute whole, %lu sent\n", whole / (24 * 60), sent / (24 * 60));
  EXPECT_LT(sent / (24 * 60), 12U << 10);
}

}  // namespace
}  // namespace remapfleet::agent
