#include "map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace {

class Lookup {
 public:
  Lookup(const std::map<u64, u64>& model, u64 blocks)
      : memory_((rm_map_bytes(model.size(), blocks) + 7) / 8),
        map_(rm_map_init(memory_.data(), model.size(), blocks)) {
    for (const auto& [block, where] : model) EXPECT_EQ(rm_map_add(map_, block, where), 0);
  }
  const rm_map* get() const { return map_; }

 private:
  std::vector<u64> memory_;
  rm_map* map_;
};

// What the map must say about a range, found without it.
void Compare(const rm_map* map, const std::map<u64, u64>& model, u64 first, u64 last) {
  const auto it = model.lower_bound(first);
  const bool hit = it != model.end() && it->first <= last;
  if (hit) {
    ASSERT_TRUE(rm_map_may_hold(map, first, last));
  }
  const rm_extent* e = rm_map_find(map, first);
  if (it == model.end()) {
    ASSERT_EQ(e, nullptr);
    return;
  }
  ASSERT_NE(e, nullptr);
  ASSERT_LE(e->block, it->first);
  ASSERT_GT(e->block + e->count, it->first);
  ASSERT_TRUE(e->block >= first || e->block + e->count > first);
  const u64 where = e->where == RM_SPECIAL ? RM_SPECIAL : e->where + (it->first - e->block);
  ASSERT_EQ(where, it->second);
}

TEST(Map, AgreesWithANaiveModelAfterRandomChanges) {
  std::mt19937_64 rng(20);
  for (u64 blocks : {100ull, 5000ull, 3000000000ull}) {
    std::map<u64, u64> model;
    for (int round = 0; round < 150; round++) {
      const u64 at = rng() % blocks;
      const u64 n = rng() % 40;
      for (u64 i = 0; i < n && at + i < blocks; i++) {
        switch (rng() % 8) {
          case 0:
            model.erase(at + i);
            break;
          case 1:
            model[at + i] = RM_SPECIAL;
            break;
          case 2:
            model[at + i] = RM_WHERE(rng() % 3, rng() % 100);
            break;
          default:
            model[at + i] = RM_WHERE(1, 1000 + at + i);  // runs
        }
      }
      const Lookup lookup(model, blocks);
      for (int query = 0; query < 60; query++) {
        const u64 first = query % 2 ? (at + rng() % 50) % blocks : rng() % blocks;
        const u64 last = std::min(blocks - 1, first + rng() % 300);
        Compare(lookup.get(), model, first, last);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(Map, EmptyFindsNothing) {
  const Lookup lookup({}, 1000);
  EXPECT_EQ(rm_map_find(lookup.get(), 0), nullptr);
  EXPECT_FALSE(rm_map_may_hold(lookup.get(), 0, 60));
}

TEST(Map, RunsAreOneExtentButNotAcrossSparesOrStates) {
  std::map<u64, u64> model;
  for (u64 i = 0; i < 10; i++) model[i] = RM_WHERE(0, 5 + i);
  for (u64 i = 10; i < 20; i++) model[i] = RM_WHERE(1, 15 + i - 10);
  for (u64 i = 20; i < 30; i++) model[i] = RM_SPECIAL;
  const Lookup lookup(model, 1000);
  EXPECT_EQ(lookup.get()->n, 3u);
  EXPECT_EQ(rm_map_find(lookup.get(), 25)->count, 10u);
}

TEST(Map, IsFullWhenItIs) {
  std::vector<u64> memory(rm_map_bytes(1, 100) / 8 + 1);
  rm_map* map = rm_map_init(memory.data(), 1, 100);
  EXPECT_EQ(rm_map_add(map, 1, 7), 0);
  EXPECT_EQ(rm_map_add(map, 2, 8), 0);
  EXPECT_EQ(rm_map_add(map, 9, 9), -ENOSPC);
}

TEST(Map, TheLastBlockOfAHugeDeviceIsInside) {
  const u64 blocks = 1ull << 40;
  const Lookup lookup({{0, 1}, {blocks - 1, 2}}, blocks);
  EXPECT_TRUE(rm_map_may_hold(lookup.get(), blocks - 1, blocks - 1));
  EXPECT_EQ(rm_map_find(lookup.get(), 1)->block, blocks - 1);
}

}  // namespace
