#include "agent/remap/extents.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace remapfleet::agent {
namespace {

std::set<std::uint64_t> Blocks(const std::vector<Extent>& extents) {
  std::set<std::uint64_t> blocks;
  for (const Extent& extent : extents) {
    for (std::uint64_t block = extent.first; block < extent.end(); ++block) blocks.insert(block);
  }
  return blocks;
}

TEST(Extents, NormaliseAndSubtractAreWhatTheyAreOnSets) {
  std::minstd_rand random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Extent> a;
    std::vector<Extent> b;
    for (auto i = random() % 6; i > 0; --i) a.push_back({random() % 40, 1 + random() % 8});
    for (auto i = random() % 6; i > 0; --i) b.push_back({random() % 40, 1 + random() % 8});
    const auto normal_a = Normalise(a);
    const auto normal_b = Normalise(b);
    ASSERT_EQ(Blocks(normal_a), Blocks(a));
    for (std::size_t i = 1; i < normal_a.size(); ++i) {
      ASSERT_GT(normal_a[i].first, normal_a[i - 1].end());
    }
    std::set<std::uint64_t> rest = Blocks(a);
    for (const std::uint64_t block : Blocks(b)) rest.erase(block);
    const auto difference = Subtract(normal_a, normal_b);
    ASSERT_EQ(Blocks(difference), rest);
    ASSERT_EQ(TotalBlocks(difference), rest.size());
  }
}

v1::SectorRange Range(std::uint64_t first, std::uint64_t count) {
  v1::SectorRange range;
  range.set_first_sector(first);
  range.set_sector_count(count);
  return range;
}

TEST(Extents, RangesOfTheDriveAreWidenedToWholeBlocksOfTheTarget) {
  EXPECT_EQ(*ToBlocks(Range(2048, 1), 2048, 8, 800), (Extent{0, 1}));
  EXPECT_EQ(*ToBlocks(Range(2055, 2), 2048, 8, 800), (Extent{0, 2}));
  EXPECT_EQ(*ToBlocks(Range(2847, 1), 2048, 8, 800), (Extent{99, 1}));
}

TEST(Extents, WhatIsNotWhollyInsideIsRefused) {
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  for (const auto& [first, count] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{2047, 1},
                                                            {2047, 2},
                                                            {2848, 1},
                                                            {2840, 9},
                                                            {2048, 0},
                                                            {2048, kMax},
                                                            {kMax, 1},
                                                            {kMax, kMax}}) {
    const auto blocks = ToBlocks(Range(first, count), 2048, 8, 800);
    ASSERT_FALSE(blocks) << first << "+" << count;
    EXPECT_EQ(blocks.error().code(), Code::kOutOfRange);
  }
}

}  // namespace
}  // namespace remapfleet::agent
