#include "near.h"

#include <gtest/gtest.h>

#include <map>

namespace {

std::map<u64, int> TakeAll(rm_near* near, u64 max) {
  std::map<u64, int> times;
  u64 first;
  for (u64 n; (n = rm_near_take(near, max, &first));) {
    EXPECT_LE(n, max);
    for (u64 block = first; block < first + n; block++) times[block]++;
  }
  return times;
}

TEST(Near, ReadsWhatIsAroundAnError) {
  rm_near near;
  rm_near_init(&near, 1000, 10);
  rm_near_error(&near, 500);
  const auto times = TakeAll(&near, 4);
  EXPECT_EQ(times.size(), 21u);
  EXPECT_EQ(times.begin()->first, 490u);
  u64 first;
  EXPECT_EQ(rm_near_take(&near, 4, &first), 0u);
}

TEST(Near, StaysWithinTheDevice) {
  rm_near near;
  rm_near_init(&near, 100, 10);
  rm_near_error(&near, 3);
  rm_near_error(&near, 99);
  const auto times = TakeAll(&near, 64);
  EXPECT_EQ(times.begin()->first, 0u);
  EXPECT_EQ(times.rbegin()->first, 99u);
  EXPECT_EQ(times.size(), 14u + 11u);
}

TEST(Near, ErrorsFoundOnTheWayOnlyExtendIt) {
  rm_near near;
  rm_near_init(&near, 10000, 10);
  rm_near_error(&near, 500);
  std::map<u64, int> times;
  u64 first;
  for (u64 n; (n = rm_near_take(&near, 4, &first));) {
    for (u64 block = first; block < first + n; block++) {
      times[block]++;
      if (block < 600) rm_near_error(&near, block);
    }
  }
  for (const auto& [block, count] : times) EXPECT_EQ(count, 1) << block;
  EXPECT_EQ(times.rbegin()->first, 609u);
}

TEST(Near, NeighboursBecomeOneAndAStormIsBounded) {
  rm_near near;
  rm_near_init(&near, 1 << 20, 10);
  for (u64 block = 0; block < 100; block++) rm_near_error(&near, block);
  EXPECT_EQ(near.n, 1u);
  for (u64 block = 1000; block < 100000; block += 1000) rm_near_error(&near, block);
  EXPECT_EQ(near.n, RM_NEAR_MAX);
  EXPECT_EQ(near.dropped, 99u - (RM_NEAR_MAX - 1));
  EXPECT_EQ(TakeAll(&near, 512).size(), 110u + 15u * 21u);
}

}  // namespace
