#include "vmask.h"

#include <gtest/gtest.h>

#include <random>

namespace {

TEST(ValidMask, RangesOfAllLengths) {
  for (unsigned first = 0; first < 64; first++) {
    for (unsigned n = 0; first + n <= 64; n++) {
      u64 want = 0;
      for (unsigned i = first; i < first + n; i++) want |= 1ull << i;
      ASSERT_EQ(rm_vmask(first, n), want) << first << " " << n;
    }
  }
}

TEST(ValidMask, RunsCoverExactlyTheBits) {
  std::mt19937_64 rng(5);
  for (int i = 0; i < 2000; i++) {
    const u64 mask = i == 0 ? 0 : i == 1 ? ~0ull : rng() & rng();
    u64 seen = 0;
    unsigned at = 0, n;
    for (; (n = rm_vmask_run(mask, &at)); at += n) {
      ASSERT_EQ(seen & rm_vmask(at, n), 0u);
      seen |= rm_vmask(at, n);
    }
    ASSERT_EQ(seen, mask);
  }
}

TEST(ValidMask, CoversOnlyWhenEverySectorIsValid) {
  EXPECT_TRUE(rm_vmask_covers(0xff, 0x0f));
  EXPECT_FALSE(rm_vmask_covers(0xef, 0x1f));
  EXPECT_TRUE(rm_vmask_covers(0, 0));
}

}  // namespace
