#include "streams.h"

#include <gtest/gtest.h>

#include <random>

#include "hist.h"

namespace {

TEST(Streams, SeveralAtOnceAreEachSequential) {
  rm_streams s = {};
  u64 at[RM_STREAMS] = {1000000, 2000000, 3000000, 4000000};
  int in_sequence = 0;
  for (int i = 0; i < 1000; i++) {
    for (u64& next : at) {
      in_sequence += rm_streams_go_on(&s, next, 8);
      next += 8;
    }
  }
  EXPECT_EQ(in_sequence, 4 * 999);
}

TEST(Streams, RandomIsNot) {
  rm_streams s = {};
  std::mt19937_64 rng(2);
  int in_sequence = 0;
  for (int i = 0; i < 10000; i++) in_sequence += rm_streams_go_on(&s, rng() >> 24, 8);
  EXPECT_LT(in_sequence, 10);
}

TEST(Streams, BackwardsIsNotAndASmallSkipIs) {
  rm_streams s = {};
  EXPECT_FALSE(rm_streams_go_on(&s, 100000, 8));
  EXPECT_FALSE(rm_streams_go_on(&s, 100000, 8));
  EXPECT_TRUE(rm_streams_go_on(&s, 100016, 8));
  EXPECT_FALSE(rm_streams_go_on(&s, 99000, 8));
}

TEST(Histogram, BucketsDoubleAndTheLastTakesTheRest) {
  EXPECT_EQ(rm_hist_bucket(0), 0u);
  EXPECT_EQ(rm_hist_bucket(1023), 0u);
  EXPECT_EQ(rm_hist_bucket(1024), 1u);
  EXPECT_EQ(rm_hist_bucket(2047), 1u);
  EXPECT_EQ(rm_hist_bucket(2048), 2u);
  EXPECT_EQ(rm_hist_bucket(~u64{0}), RM_HIST_BUCKETS - 1u);
  for (unsigned i = 1; i < RM_HIST_BUCKETS - 1; i++) {
    EXPECT_EQ(rm_hist_bucket((u64{RM_HIST_FIRST_NS} << i) - 1), i);
  }
}

}  // namespace
