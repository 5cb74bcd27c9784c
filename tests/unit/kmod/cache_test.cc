#include "cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace {

class Cache {
 public:
  explicit Cache(unsigned bits) : bits_(bits), sets_(size_t{1} << bits) {}

  void Add(unsigned long version, u64 block, u32 slot) {
    rm_cache_add(rm_cache_set_of(sets_.data(), bits_, block), version, block, slot);
  }
  // The slot, or -1.
  long Find(unsigned long version, u64 block) {
    u32 slot = 0;
    return rm_cache_find(rm_cache_set_of(sets_.data(), bits_, block), version, block, &slot) ? slot
                                                                                             : -1L;
  }

 private:
  const unsigned bits_;
  std::vector<rm_cache_set> sets_;
};

TEST(Cache, ASetIsACacheLine) { EXPECT_EQ(sizeof(rm_cache_set), 64U); }

TEST(Cache, HasTwoPlacesForEachBlockWithinBounds) {
  EXPECT_EQ(rm_cache_bits(0), unsigned{RM_CACHE_BITS_MIN});
  EXPECT_EQ(rm_cache_bits(~0ULL), unsigned{RM_CACHE_BITS_MAX});
  for (u64 blocks = 64; blocks <= 4096; blocks = blocks * 5 / 4) {
    const u64 places = u64{RM_CACHE_WAYS} << rm_cache_bits(blocks);
    EXPECT_GE(places, 2 * blocks);
    EXPECT_LT(places, 4 * blocks);
  }
}

// Fresh memory is all zeros: block 0 on slot 0 must not be in it.
TEST(Cache, KnowsNothingAtFirst) {
  Cache cache(4);
  for (u64 block = 0; block < 1000; ++block) EXPECT_EQ(cache.Find(1, block), -1);
}

TEST(Cache, AnotherVersionVoidsASetBothWays) {
  Cache cache(4);
  cache.Add(7, 42, 3);
  EXPECT_EQ(cache.Find(7, 42), 3);
  EXPECT_EQ(cache.Find(8, 42), -1);
  cache.Add(8, 42, 4);
  EXPECT_EQ(cache.Find(7, 42), -1);
  EXPECT_EQ(cache.Find(8, 42), 4);
}

TEST(Cache, NeverSaysWhatWasNotAdded) {
  Cache cache(4);
  std::mt19937_64 rng(1);
  std::map<u64, u32> slots;
  unsigned long version = 1;
  for (int i = 0; i < 200'000; ++i) {
    const u64 block = rng() % 400;
    if (rng() % 100 == 0) {
      ++version;
      slots[block] = static_cast<u32>(rng());
    }
    const auto known = slots.find(block);
    const long found = cache.Find(version, block);
    if (found >= 0) {
      ASSERT_TRUE(known != slots.end() && known->second == static_cast<u32>(found));
    } else if (known != slots.end()) {
      cache.Add(version, block, known->second);
      ASSERT_EQ(cache.Find(version, block), static_cast<long>(known->second));
    }
  }
}

// What is asked for again outlives what is asked for once.
TEST(Cache, AStreamDoesNotDriveOutWhatIsWanted) {
  Cache cache(4);
  cache.Add(1, 42, 3);
  for (u64 block = 1000; block < 100'000; ++block) {
    EXPECT_EQ(cache.Find(1, 42), 3);
    cache.Add(1, block, 9);
  }
}

}  // namespace
