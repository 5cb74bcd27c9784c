#include "agent/link/failover.h"

#include <gtest/gtest.h>

namespace remapfleet::agent {
namespace {

using std::chrono::milliseconds;

class FailoverTest : public testing::Test {
 protected:
  // Tries what is next, when it is due.
  std::size_t Try() {
    const auto turn = failover_.Next(now_);
    now_ += turn.wait;
    return turn.address;
  }
  void Fail(std::size_t address, milliseconds asked = {}) { failover_.Ended(address, now_, asked); }

  Failover::Time now_{std::chrono::hours(1)};
  Failover failover_{3, 1};
};

TEST_F(FailoverTest, TheOthersAreTriedAtOnceAndInTheirOrder) {
  const auto begin = now_;
  EXPECT_EQ(Try(), 0U);
  Fail(0, milliseconds(100));
  EXPECT_EQ(Try(), 1U);
  Fail(1, milliseconds(100));
  EXPECT_EQ(Try(), 2U);
  EXPECT_EQ(now_, begin);
}

TEST_F(FailoverTest, EachHasABackoffOfItsOwn) {
  for (int i = 0; i < 20; ++i) {
    for (const std::size_t down : {0, 1}) Fail(down, std::chrono::hours(1));
    Fail(2);
  }
  EXPECT_EQ(Try(), 2U);
  // The third has failed often, the others not: what they asked for is over first.
  Failover other(2, 1);
  for (int i = 0; i < 20; ++i) other.Ended(1, now_, {});
  other.Ended(0, now_, {});
  EXPECT_LE(other.Next(now_).wait, milliseconds(200));
}

TEST_F(FailoverTest, WithTheNextStreamItComesBackToTheFirst) {
  Fail(0);
  ASSERT_EQ(Try(), 1U);
  failover_.Settled(1);
  now_ += std::chrono::hours(1);
  Fail(1);
  EXPECT_EQ(Try(), 0U);
}

TEST_F(FailoverTest, WhatAControllerAsksForIsKept) {
  for (const std::size_t all : {0, 1, 2}) Fail(all, std::chrono::minutes(10));
  EXPECT_GE(failover_.Next(now_).wait, std::chrono::minutes(10));
}

TEST_F(FailoverTest, ARefusalWaitsLongerAndHoldsUpNoOther) {
  failover_.Refused(0, now_);
  EXPECT_EQ(Try(), 1U);
  Failover alone(1, 1);
  alone.Refused(0, now_);
  EXPECT_GE(alone.Next(now_).wait, std::chrono::seconds(5));
}

TEST_F(FailoverTest, AStreamThatLastedIsNoFailure) {
  Failover alone(1, 1);
  for (int i = 0; i < 20; ++i) alone.Ended(0, now_, {});
  alone.Settled(0);
  alone.Ended(0, now_, {});
  EXPECT_LE(alone.Next(now_).wait, milliseconds(200));
}

}  // namespace
}  // namespace remapfleet::agent
