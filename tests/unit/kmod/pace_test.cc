#include "pace.h"

#include <gtest/gtest.h>

namespace {

constexpr u64 kMs = 1000000;
constexpr u64 kSecond = 1000 * kMs;
constexpr u64 kRead = 256 * 1024;

// Runs a scrub whose reads take `took` ns for `length` ns; others do an I/O every `every` ns.
struct Run {
  u64 bytes = 0;
  u64 busy = 0;
};
Run Go(u64 rate, u64 took, u64 length, u64 every = 0, bool in_sequence = false) {
  rm_pace pace;
  rm_pace_init(&pace, rate, 0, 0);
  Run run;
  for (u64 now = 0; now < length;) {
    const u64 ios = every ? now / every : 0;
    const u64 wait = rm_pace_wait(&pace, now, ios, in_sequence ? ios : 0);
    now += wait;
    if (wait) continue;
    now += took;
    rm_pace_read(&pace, now, kRead, took);
    run.bytes += kRead;
    run.busy += took;
  }
  return run;
}

TEST(Pace, WithoutLimitOrOthersItNeverWaits) {
  EXPECT_EQ(Go(0, 2 * kMs, 10 * kSecond).busy, 10 * kSecond);
}

TEST(Pace, KeepsToItsRate) {
  const u64 rate = 10 << 20;
  const u64 bytes = Go(rate, 2 * kMs, 100 * kSecond).bytes;
  EXPECT_LE(bytes, rate * 101);
  EXPECT_GE(bytes, rate * 99);
}

TEST(Pace, TakesLessThanAHundredthWhileOthersAreThere) {
  for (u64 took : {kMs / 10, kMs, 10 * kMs}) {
    for (u64 every : {kMs, 100 * kMs, 900 * kMs}) {
      const u64 length = 400 * kSecond;
      const u64 busy = Go(0, took, length, every).busy;
      EXPECT_LT(busy - kSecond, length / 100) << took << " " << every;
      EXPECT_GT(busy, length / 300) << "and does not stop altogether";
    }
  }
}

TEST(Pace, GivesWayMoreToAStream) {
  EXPECT_LT(Go(0, kMs, 400 * kSecond, kMs, true).bytes * 10,
            Go(0, kMs, 400 * kSecond, kMs, false).bytes * 7);
}

TEST(Pace, GoesOnInFullWhenOthersAreGone) {
  rm_pace pace;
  rm_pace_init(&pace, 0, 0, 0);
  EXPECT_EQ(rm_pace_wait(&pace, kSecond, 5, 0), 0u);
  EXPECT_FALSE(rm_pace_alone(&pace, kSecond));
  rm_pace_read(&pace, kSecond, kRead, 100 * kMs);
  EXPECT_EQ(rm_pace_wait(&pace, kSecond, 5, 0), RM_PACE_LOOK_NS);
  EXPECT_EQ(rm_pace_wait(&pace, 2 * kSecond, 5, 0), 0u);
  EXPECT_TRUE(rm_pace_alone(&pace, 2 * kSecond));
}

TEST(Pace, SurvivesCountersThatAreReset) {
  rm_pace pace;
  rm_pace_init(&pace, 0, 1000, 900);
  rm_pace_wait(&pace, kSecond, 3, 1);
  EXPECT_FALSE(rm_pace_alone(&pace, kSecond));
  EXPECT_FALSE(pace.stream);
}

}  // namespace
