#include "sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace {

std::vector<u64> Draw(u64 blocks, u64 n, u64 seed) {
  rm_sample s;
  rm_sample_init(&s, blocks, n, seed);
  std::vector<u64> drawn;
  for (u64 block; rm_sample_next(&s, &block);) drawn.push_back(block);
  return drawn;
}

TEST(Sample, TakesOneBlockOfEachStratum) {
  const u64 blocks = 5'000'000'003;
  for (u64 n : {1, 2, 3, 7, 618, 1000, 4096, 9973}) {
    const std::vector<u64> drawn = Draw(blocks, n, n);
    ASSERT_EQ(drawn.size(), n);
    std::set<u64> strata;
    for (u64 block : drawn) {
      ASSERT_LT(block, blocks);
      strata.insert(static_cast<u64>((static_cast<__uint128_t>(block) * n) / blocks));
    }
    // the first strata are one block larger, so a few blocks fall to a neighbour in this reckoning
    EXPECT_GE(strata.size(), n - n / 100 - 1) << n;
  }
}

TEST(Sample, OfMoreThanThereAreIsAll) {
  const std::vector<u64> drawn = Draw(100, 1000, 5);
  EXPECT_EQ(std::set<u64>(drawn.begin(), drawn.end()).size(), 100u);
}

TEST(Sample, OfNothingIsNothing) {
  EXPECT_TRUE(Draw(0, 10, 1).empty());
  EXPECT_TRUE(Draw(10, 0, 1).empty());
}

TEST(Sample, AnyBeginningIsSpreadOut) {
  const u64 blocks = u64{1} << 40;
  const std::vector<u64> drawn = Draw(blocks, 10000, 9);
  for (size_t part : {50u, 100u, 1000u, 5000u}) {
    std::vector<size_t> tenths(10);
    for (size_t i = 0; i < part; i++) tenths[drawn[i] / (blocks / 10 + 1)]++;
    for (size_t count : tenths) {
      EXPECT_GT(count, part / 20) << part;
      EXPECT_LT(count, part / 5) << part;
    }
  }
}

TEST(Sample, SeedsDiffer) { EXPECT_NE(Draw(1 << 20, 100, 1), Draw(1 << 20, 100, 2)); }

// The exact bound: the p at which `bad` or fewer of `read` have a probability of 5 %.
double ClopperPearson(double read, double bad) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; i++) {
    const double p = (low + high) / 2;
    double sum = 0;
    for (double k = 0; k <= bad; k++) {
      sum += std::exp(std::lgamma(read + 1.0) - std::lgamma(k + 1.0) - std::lgamma(read - k + 1.0) +
                      k * std::log(p) + (read - k) * std::log1p(-p));
    }
    (sum > 0.05 ? low : high) = p;
  }
  return high;
}

TEST(Bound, IsNeverBelowTheExactOneAndCloseToIt) {
  for (u64 read : {10, 100, 1000, 10000, 1000000}) {
    for (u64 bad : {0, 1, 2, 3, 5, 8, 20, 100, 900}) {
      if (bad >= read) continue;
      const double exact = ClopperPearson(static_cast<double>(read), static_cast<double>(bad));
      const double bound = static_cast<double>(rm_bad_max_ppb(read, bad)) / RM_PPB;
      EXPECT_GE(bound, exact) << bad << " of " << read;
      if (bad * 10 <= read && read >= 1000) {
        EXPECT_LE(bound, exact * 1.08 + 1e-8) << bad << " of " << read;
      }
    }
  }
}

TEST(Bound, RuleOfThree) {
  EXPECT_EQ(rm_bad_max_ppb(3000, 0), RM_PPB / 1000 + 1);
  EXPECT_EQ(rm_bad_max_ppb(0, 0), RM_PPB);
  EXPECT_EQ(rm_bad_max_ppb(2, 0), RM_PPB);
  EXPECT_EQ(rm_bad_max_ppb(10, 10), RM_PPB);
  EXPECT_EQ(rm_bad_max_ppb(~u64{0}, 0), 1u);
}

}  // namespace
