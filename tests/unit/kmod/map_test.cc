#include "map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <vector>

namespace {

using Model = std::map<u64, u32>;
using Sorted = std::vector<std::pair<u64, u32>>;

// The map with its memory, changed by the segment as the target does.
class Lookup {
 public:
  Lookup(u64 slots, u64 blocks)
      : memory_((rm_map_bytes(slots, blocks) + 7) / 8),
        map_(rm_map_init(memory_.data(), slots, blocks)) {}
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup() {
    for (u32 s = 0; s < map_->n_segs; s++) free(map_->seg[s]);
  }

  const rm_map* get() const { return map_; }

  void Change(const Model& changes) {
    std::vector<rm_change> batch;
    for (const auto& [block, slot] : changes) {
      if (!batch.empty() && rm_map_seg_of(map_, batch[0].block) != rm_map_seg_of(map_, block)) {
        Apply(batch);
        batch.clear();
      }
      batch.push_back({block, slot});
    }
    if (!batch.empty()) Apply(batch);
  }

  static u32 ChooseHigher(void* asked, u32 a, u32 b) {
    if (asked) ++*static_cast<int*>(asked);
    return std::max(a, b);
  }

  // Fills an empty map; a block may be there twice.
  void Fill(const Sorted& blocks, int* asked = nullptr) {
    std::vector<u32> count(rm_map_groups(map_));
    for (const auto& at : blocks) count[rm_map_group_of(map_, at.first)]++;
    for (u32 s = 0; s < map_->n_segs; s++) {
      const u32 n = rm_map_counted(count.data(), s);
      if (n) rm_map_lay_out(map_, s, NewSegment(n), count.data());
    }
    for (const auto& [block, slot] : blocks) rm_map_place(map_, count.data(), block, slot);
    for (u32 s = 0; s < map_->n_segs; s++) {
      if (map_->seg[s]) rm_map_finish(map_, s, ChooseHigher, asked);
    }
  }

 private:
  static rm_seg* NewSegment(u32 n) { return static_cast<rm_seg*>(malloc(rm_seg_bytes(n))); }

  void Apply(const std::vector<rm_change>& c) {
    const u32 n = static_cast<u32>(c.size());
    const u32 blocks = rm_map_merged(map_, c.data(), n);
    rm_seg* seg = nullptr;
    if (blocks) {
      seg = NewSegment(blocks);
      rm_map_merge(map_, seg, c.data(), n);
      ASSERT_EQ(seg->n, blocks);
    }
    free(rm_map_replace(map_, seg, c.data(), n));
  }

  std::vector<u64> memory_;
  rm_map* map_;
};

u32 Slot(const rm_extent& run, u64 i) {
  return run.slot == RM_SPECIAL ? RM_SPECIAL : run.slot + static_cast<u32>(i);
}

// What the map must say about a range, found without it.
void Compare(const rm_map* map, const Sorted& model, u64 first, u64 last) {
  const auto it = std::lower_bound(model.begin(), model.end(), std::pair(first, 0u));
  const bool hit = it != model.end() && it->first <= last;
  rm_extent run{};
  if (hit) {
    ASSERT_TRUE(rm_map_may_hold(map, first, last)) << first;
  }
  ASSERT_EQ(rm_map_find(map, first, last, last - first + 1, &run), hit) << first << ' ' << last;
  if (!hit) return;
  ASSERT_EQ(run.block, it->first);
  ASSERT_GE(run.count, 1u);
  ASSERT_LE(run.block + run.count - 1, last);
  for (u64 i = 0; i < run.count; i++) {
    ASSERT_LT(i, static_cast<u64>(model.end() - it));
    ASSERT_EQ(it[static_cast<long>(i)], std::pair(run.block + i, Slot(run, i)));
  }
}

void CompareMany(const rm_map* map, const Sorted& model, u64 blocks, std::mt19937_64& rng) {
  ASSERT_EQ(map->n, model.size());
  for (int query = 0; query < 2000; query++) {
    u64 first = rng() % blocks;
    if (query % 2 && !model.empty()) {
      auto it = std::lower_bound(model.begin(), model.end(), std::pair(first, 0u));
      if (it == model.end()) it = model.begin();
      first = std::min(blocks - 1, it->first - std::min<u64>(it->first, rng() % 4));
    }
    Compare(map, model, first, std::min(blocks - 1, first + rng() % (query % 3 ? 2 : 400)));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Map, AgreesWithANaiveModelAfterRandomChanges) {
  std::mt19937_64 rng(20);
  for (u64 blocks : {1ull, 100ull, 5000ull, 3000000000ull, 1ull << 40}) {
    for (u64 slots : {50ull, 100000ull}) {
      Model model;
      Lookup lookup(slots, blocks);
      for (int round = 0; round < 150; round++) {
        const u64 at = rng() % blocks;
        const u64 n = rng() % 40;
        Model changes;
        for (u64 i = 0; i < n && at + i < blocks; i++) {
          const u64 block = rng() % 16 ? at + i : rng() % blocks;
          switch (rng() % 8) {
            case 0:
              changes[block] = RM_REMOVE;
              break;
            case 1:
              changes[block] = RM_SPECIAL;
              break;
            case 2:
              changes[block] = static_cast<u32>(rng() % 100);
              break;
            default:
              changes[block] = static_cast<u32>(1000 + block);  // runs
          }
        }
        lookup.Change(changes);
        for (const auto& [block, slot] : changes) {
          if (slot == RM_REMOVE) {
            model.erase(block);
          } else {
            model[block] = slot;
          }
        }
        const Sorted sorted(model.begin(), model.end());
        for (int query = 0; query < 60; query++) {
          const u64 first = query % 2 ? (at + rng() % 50) % blocks : rng() % blocks;
          Compare(lookup.get(), sorted, first, std::min(blocks - 1, first + rng() % 300));
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

// The sizes that are promised, in the layouts that disks have.
TEST(Map, FindsAllOfUpToAMillion) {
  const u64 blocks = 1ull << 28;  // 1 TiB of 4 KiB blocks
  std::mt19937_64 rng(21);
  for (u64 n : {0ull, 64ull, 2048ull, 65536ull, 1048576ull}) {
    for (int layout = 0; layout < 3; layout++) {
      std::vector<u64> at;
      while (at.size() < n) {
        const u64 start = rng() % (blocks - n);
        const u64 run = layout == 0 ? 1 : layout == 1 ? 1 + rng() % 1000 : n;
        for (u64 i = 0; i < run && at.size() < n; i++) at.push_back(start + i);
      }
      std::sort(at.begin(), at.end());
      at.erase(std::unique(at.begin(), at.end()), at.end());
      Sorted model;
      for (u64 block : at) model.emplace_back(block, static_cast<u32>(model.size()));
      Sorted shuffled = model;
      std::shuffle(shuffled.begin(), shuffled.end(), rng);
      Lookup lookup(n, blocks);
      lookup.Fill(shuffled);
      CompareMany(lookup.get(), model, blocks, rng);
      ASSERT_FALSE(HasFatalFailure()) << n << ' ' << layout;
    }
  }
}

TEST(Map, ChangesAfterFilling) {
  std::mt19937_64 rng(22);
  const u64 blocks = 1 << 24;
  Model model;
  for (u32 i = 0; i < 30000; i++) model[rng() % blocks] = i;
  Lookup lookup(40000, blocks);
  lookup.Fill({model.begin(), model.end()});
  for (int round = 0; round < 50; round++) {
    Model changes;
    auto it = model.lower_bound(rng() % blocks);
    for (int i = 0; i < 200 && it != model.end(); i++) changes[(it++)->first] = RM_REMOVE;
    for (int i = 0; i < 100; i++) changes[rng() % blocks] = static_cast<u32>(rng() % 40000);
    lookup.Change(changes);
    for (const auto& [block, slot] : changes) {
      if (slot == RM_REMOVE) {
        model.erase(block);
      } else {
        model[block] = slot;
      }
    }
    CompareMany(lookup.get(), {model.begin(), model.end()}, blocks, rng);
    ASSERT_FALSE(HasFatalFailure()) << round;
  }
}

TEST(Map, OfABlockThatIsThereTwiceOneIsChosen) {
  int asked = 0;
  Lookup lookup(8, 1000);
  lookup.Fill({{7, 1}, {5, 2}, {7, 3}, {900, 4}, {900, 0}, {5, 0}}, &asked);
  EXPECT_EQ(asked, 3);
  const Sorted model{{5, 2}, {7, 3}, {900, 4}};
  std::mt19937_64 rng(23);
  CompareMany(lookup.get(), model, 1000, rng);
}

TEST(Map, EmptyFindsNothing) {
  const Lookup lookup(100, 1000);
  rm_extent run;
  EXPECT_FALSE(rm_map_find(lookup.get(), 0, 999, 1000, &run));
  EXPECT_FALSE(rm_map_may_hold(lookup.get(), 0, 60));
}

TEST(Map, WhatIsRemovedLeavesNoTrace) {
  Lookup lookup(100, 1 << 20);
  lookup.Change({{10, 1}, {11, RM_SPECIAL}, {900000, 3}});
  EXPECT_TRUE(rm_map_may_hold(lookup.get(), 10, 10));
  lookup.Change({{10, RM_REMOVE}, {11, RM_REMOVE}, {900000, RM_REMOVE}, {77, RM_REMOVE}});
  EXPECT_EQ(lookup.get()->n, 0u);
  for (u64 block = 0; block < (1 << 20); block += 256) {
    EXPECT_FALSE(rm_map_may_hold(lookup.get(), block, block + 255));
  }
}

// The cache in front never changes the answer, whatever the map goes through.
TEST(Map, ACachedLookupSaysTheSame) {
  constexpr u64 kMany = 100'000;
  std::mt19937_64 rng(11);
  Lookup lookup(4096, kMany);
  const unsigned bits = rm_cache_bits(4096);
  std::vector<rm_cache_set> sets(size_t{1} << bits);
  u64 hits = 0;
  for (int round = 0; round < 300; ++round) {
    Model changes;
    for (int i = 0; i < 20; ++i) {
      const u64 kind = rng() % 8;
      changes[rng() % 2000 * 50] = kind == 0   ? RM_REMOVE
                                   : kind == 1 ? RM_SPECIAL
                                               : static_cast<u32>(rng() % 4096);
    }
    lookup.Change(changes);
    for (int i = 0; i < 500; ++i) {
      const u64 block = rng() % 2000 * (rng() % 2 != 0 ? 50 : 1);
      rm_extent plain = {};
      rm_extent run = {};
      bool cached = false;
      const bool found = rm_map_lookup(lookup.get(), block, block, &plain);
      ASSERT_EQ(found,
                rm_map_may_hold(lookup.get(), block, block) &&
                    rm_map_find_cached(lookup.get(), sets.data(), bits, block, &run, &cached));
      if (found) {
        ASSERT_EQ(run.block, plain.block);
        ASSERT_EQ(run.count, plain.count);
        ASSERT_EQ(run.slot, plain.slot);
      }
      hits += cached;
    }
  }
  EXPECT_GT(hits, 1000U);
}

TEST(Map, ARunHasOneKindOfBlockAndNoMoreThanAskedFor) {
  Model model;
  for (u32 i = 0; i < 10; i++) model[i] = 5 + i;
  for (u32 i = 10; i < 20; i++) model[i] = 50 + i;
  for (u32 i = 20; i < 30; i++) model[i] = RM_SPECIAL;
  Lookup lookup(64, 1000);
  lookup.Change(model);
  rm_extent run;
  ASSERT_TRUE(rm_map_find(lookup.get(), 3, 500, 498, &run));
  EXPECT_EQ(run.count, 7u);
  ASSERT_TRUE(rm_map_find(lookup.get(), 3, 500, 2, &run));
  EXPECT_EQ(run.count, 2u);
  ASSERT_TRUE(rm_map_find(lookup.get(), 22, 500, 479, &run));
  EXPECT_EQ(run.count, 8u);
  EXPECT_EQ(run.slot, RM_SPECIAL);
}

// With the slots' 19 bytes that is what a million remaps may take.
TEST(Map, AMillionTakeAtMostTenBytesEachPlusBitmap) {
  const u64 n = 1048576, blocks = 1ull << 28;
  std::mt19937_64 rng(24);
  Sorted at;
  for (u32 i = 0; i < n; i++) at.emplace_back(i * 256ull + rng() % 256, i);
  Lookup lookup(n, blocks);
  lookup.Fill(at);
  const rm_map* map = lookup.get();
  const u64 bitmap = (blocks >> map->region_shift) / 8;
  u64 bytes = rm_map_bytes(n, blocks) - bitmap;
  for (u32 s = 0; s < map->n_segs; s++) {
    if (map->seg[s]) bytes += (rm_seg_bytes(map->seg[s]->n) + 4095) / 4096 * 4096;
  }
  EXPECT_LE(bytes, n * 10);
  EXPECT_LE(bitmap, 524288u);
}

}  // namespace
