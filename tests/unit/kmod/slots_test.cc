#include "slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "format.h"

namespace {

struct Slots : rm_slots {
  explicit Slots(u32 count) : rm_slots{}, memory((rm_slots_bytes(count) + 7) / 8) {
    rm_slots_init(this, count, memory.data());
  }
  std::vector<u64> memory;
};

TEST(SlotAllocator, AHeldSlotIsNotTakenBeforeItsReleaseIsDurable) {
  for (int policy = 0; policy < 3; policy++) {
    Slots s(3);
    auto take = [&] {
      return policy == 0   ? rm_slots_take_first(&s)
             : policy == 1 ? rm_slots_take_near(&s, 1)
                           : rm_slots_take_wear(&s);
    };
    for (int i = 0; i < 3; i++) rm_slots_set(&s, take(), RM_SLOT_USED);
    EXPECT_EQ(take(), RM_NO_SLOT);
    rm_slots_set(&s, 1, RM_SLOT_HELD);
    EXPECT_EQ(take(), RM_NO_SLOT) << policy;
    rm_slots_release_held(&s);
    EXPECT_EQ(take(), 1u) << policy;
  }
}

TEST(SlotAllocator, BadAndLostSlotsAreNeverTaken) {
  Slots s(4);
  rm_slots_set(&s, 0, RM_SLOT_BAD);
  rm_slots_set(&s, 1, RM_SLOT_LOST);
  rm_slots_set(&s, 3, RM_SLOT_USED);
  EXPECT_EQ(rm_slots_take_first(&s), 2u);
  EXPECT_EQ(rm_slots_take_near(&s, 0), 2u);
  EXPECT_EQ(rm_slots_take_wear(&s), 2u);
  rm_slots_release_held(&s);
  EXPECT_EQ(s.bad, 1u);
  EXPECT_EQ(s.used, 2u);
  EXPECT_EQ(s.free, 1u);
}

TEST(SlotAllocator, ClosedSlotsAreNotTakenAndFreeWhenOpenAgain) {
  Slots s(200);
  for (u32 slot : {3u, 70u, 71u}) rm_slots_set(&s, slot, RM_SLOT_USED);
  rm_slots_close(&s, 60, 100);
  EXPECT_EQ(s.closed, 98u);
  EXPECT_EQ(s.free, 99u);
  rm_slots_set(&s, 70, RM_SLOT_HELD);
  rm_slots_release_held(&s);
  EXPECT_EQ(s.closed, 99u);
  EXPECT_EQ(rm_slots_take_near(&s, 70), 59u);
  EXPECT_EQ(rm_slots_take_near(&s, 140), 160u);
  EXPECT_EQ(rm_slots_take_behind(&s, 71), RM_NO_SLOT);
  for (int i = 0; i < 99; i++) {
    const u32 slot = rm_slots_take_wear(&s);
    ASSERT_TRUE(slot < 60 || slot >= 160) << slot;
    rm_slots_set(&s, slot, RM_SLOT_USED);
  }
  EXPECT_EQ(rm_slots_take_wear(&s), RM_NO_SLOT);
  EXPECT_EQ(rm_slots_take_first(&s), RM_NO_SLOT);
  EXPECT_EQ(rm_slots_take_near(&s, 70), RM_NO_SLOT);
  rm_slots_open(&s, 60, 100);
  EXPECT_EQ(s.closed, 0u);
  EXPECT_EQ(s.free, 99u);
  EXPECT_EQ(rm_slots_take_first(&s), 60u);
}

TEST(SlotAllocator, NearTakesTheNearest) {
  Slots s(100);
  for (u32 i = 40; i < 60; i++) rm_slots_set(&s, i, RM_SLOT_USED);
  EXPECT_EQ(rm_slots_take_near(&s, 57), 60u);
  EXPECT_EQ(rm_slots_take_near(&s, 42), 39u);
  EXPECT_EQ(rm_slots_take_near(&s, 99), 99u);
}

TEST(SlotAllocator, WearStaysLevel) {
  Slots s(64);
  std::mt19937 rng(3);
  std::vector<u32> used;
  for (int i = 0; i < 64 * 100; i++) {
    if (used.size() > 20) {
      const size_t at = rng() % used.size();
      rm_slots_set(&s, used[at], RM_SLOT_HELD);
      rm_slots_release_held(&s);
      used.erase(used.begin() + static_cast<long>(at));
    }
    const u32 slot = rm_slots_take_wear(&s);
    ASSERT_NE(slot, RM_NO_SLOT);
    ASSERT_EQ(rm_slots_state(&s, slot), RM_SLOT_FREE);
    s.wear[slot]++;
    rm_slots_set(&s, slot, RM_SLOT_USED);
    used.push_back(slot);
  }
  const auto [min, max] = std::minmax_element(s.wear, s.wear + s.n);
  EXPECT_LE(*max - *min, 25u);
}

TEST(SlotAllocator, ARunStaysTogetherUnlessThatWouldWearASlotOut) {
  Slots s(100);
  const u32 first = rm_slots_take_wear(&s);
  rm_slots_set(&s, first, RM_SLOT_USED);
  EXPECT_EQ(rm_slots_take_behind(&s, first), first + 1);
  s.wear[first + 1] = RM_WEAR_SLACK + 1;
  EXPECT_EQ(rm_slots_take_behind(&s, first), RM_NO_SLOT);
  s.wear[first + 1] = 0;
  rm_slots_set(&s, first + 1, RM_SLOT_BAD);
  EXPECT_EQ(rm_slots_take_behind(&s, first), RM_NO_SLOT);
  EXPECT_EQ(rm_slots_take_behind(&s, 99), RM_NO_SLOT);
}

// Runs of blocks come and go; each written slot is written again and again.
TEST(SlotAllocator, WearStaysLevelWithRuns) {
  Slots s(256);
  std::mt19937 rng(5);
  std::vector<std::vector<u32>> runs;
  int together = 0, all = 0;
  for (int i = 0; i < 4000; i++) {
    if (runs.size() > 12) {
      const size_t at = rng() % runs.size();
      for (u32 slot : runs[at]) rm_slots_set(&s, slot, RM_SLOT_FREE);
      runs.erase(runs.begin() + static_cast<long>(at));
    }
    std::vector<u32> run;
    for (int k = 0; k < 8; k++) {
      u32 slot = run.empty() ? RM_NO_SLOT : rm_slots_take_behind(&s, run.back());
      if (slot == RM_NO_SLOT) slot = rm_slots_take_wear(&s);
      ASSERT_NE(slot, RM_NO_SLOT);
      if (!run.empty()) together += slot == run.back() + 1, all++;
      rm_slots_set(&s, slot, RM_SLOT_USED);
      s.wear[slot]++;
      run.push_back(slot);
    }
    runs.push_back(run);
  }
  const auto [min, max] = std::minmax_element(s.wear, s.wear + s.n);
  EXPECT_LE(*max - *min, 2u * RM_WEAR_SLACK + 10);
  EXPECT_GE(together * 10, all * 7);
}

TEST(SlotAllocator, LevellingMovesTheMostWornAndEnds) {
  Slots s(64);
  std::mt19937 rng(6);
  for (u32 i = 0; i < 32; i++) {
    rm_slots_set(&s, i, RM_SLOT_USED);
    s.wear[i] = static_cast<u32>(rng() % 1000);
  }
  rm_slots_set(&s, 40, RM_SLOT_BAD);
  u32 from, to, moves = 0;
  while (rm_slots_unlevel(&s, &from, &to)) {
    ASSERT_LT(++moves, 100u);
    ASSERT_EQ(rm_slots_state(&s, from), RM_SLOT_USED);
    ASSERT_EQ(rm_slots_state(&s, to), RM_SLOT_FREE);
    rm_slots_set(&s, to, RM_SLOT_USED);
    s.wear[to]++;
    rm_slots_set(&s, from, RM_SLOT_FREE);
  }
  EXPECT_GT(moves, 20u);
  for (u32 i = 0; i < 64; i++) {
    if (rm_slots_state(&s, i) == RM_SLOT_USED) {
      EXPECT_LT(s.wear[i], RM_WEAR_GAP + 2u) << i;
    }
  }
}

TEST(SlotAllocator, CountsAgreeWithTheStates) {
  Slots s(50);
  std::mt19937 rng(4);
  for (int i = 0; i < 5000; i++) {
    rm_slots_set(&s, static_cast<u32>(rng() % 50), static_cast<u8>(rng() % 6));
    if (i % 100 == 0) rm_slots_release_held(&s);
    const auto count = [&](u8 state) {
      u32 n = 0;
      for (u32 slot = 0; slot < s.n; slot++) n += rm_slots_state(&s, slot) == state;
      return n;
    };
    ASSERT_EQ(s.free, count(RM_SLOT_FREE));
    ASSERT_EQ(s.bad, count(RM_SLOT_BAD) + count(RM_SLOT_LEFT));
    ASSERT_EQ(s.held, count(RM_SLOT_HELD));
    ASSERT_EQ(s.used, count(RM_SLOT_USED) + count(RM_SLOT_LOST));
  }
}

// Over the words and the words of words of the bitmaps, with the plain search beside it.
TEST(SlotAllocator, TakesWhatAPlainSearchWould) {
  std::mt19937 rng(5);
  for (u32 n : {1u, 63u, 64u, 65u, 4096u, 10000u, 300000u}) {
    Slots s(n);
    for (u32 slot = 0; slot < n; slot++) {
      if (rng() % 1000) rm_slots_set(&s, slot, RM_SLOT_USED);
    }
    for (int round = 0; round < 30; round++) {
      rm_slots_set(&s, static_cast<u32>(rng() % n), rng() % 2 ? RM_SLOT_FREE : RM_SLOT_USED);
      const u32 near = static_cast<u32>(rng() % n);
      u32 first = RM_NO_SLOT, nearest = RM_NO_SLOT;
      for (u32 slot = 0; slot < n; slot++) {
        if (rm_slots_state(&s, slot) != RM_SLOT_FREE) continue;
        if (first == RM_NO_SLOT) first = slot;
        const auto distance = [&](u32 x) { return x > near ? x - near : near - x; };
        if (nearest == RM_NO_SLOT || distance(slot) <= distance(nearest)) nearest = slot;
      }
      ASSERT_EQ(rm_slots_take_first(&s), first);
      ASSERT_EQ(rm_slots_take_near(&s, near), nearest);
      const u32 worn = rm_slots_take_wear(&s);
      ASSERT_EQ(worn == RM_NO_SLOT, first == RM_NO_SLOT);
      if (worn != RM_NO_SLOT) {
        ASSERT_EQ(rm_slots_state(&s, worn), RM_SLOT_FREE);
      }
    }
  }
}

TEST(SlotAllocator, ReleasesWhatIsHeldAndNothingElse) {
  Slots s(5000);
  for (u32 slot = 0; slot < 5000; slot++) rm_slots_set(&s, slot, RM_SLOT_USED);
  for (u32 slot : {4999u, 0u, 64u, 2000u}) rm_slots_set(&s, slot, RM_SLOT_HELD);
  rm_slots_set(&s, 64, RM_SLOT_USED);
  rm_slots_release_held(&s);
  EXPECT_EQ(s.free, 3u);
  EXPECT_EQ(s.held, 0u);
  EXPECT_EQ(rm_slots_state(&s, 64), RM_SLOT_USED);
  rm_slots_set(&s, 70, RM_SLOT_HELD);
  rm_slots_release_held(&s);
  EXPECT_EQ(rm_slots_state(&s, 70), RM_SLOT_FREE);
  EXPECT_EQ(s.free, 4u);
}

TEST(SlotAllocator, KeepsARecordButForItsSequenceAndMask) {
  Slots s(3);
  rm_slot_record in{}, out{};
  in.block = 0xabcdef012345;
  in.reason = 3;
  in.time = 0x80000001;
  in.errors = 65535;
  rm_slots_set(&s, 1, RM_SLOT_LOST);
  rm_slots_put(&s, 1, &in);
  s.wear[1] = 77;
  rm_slots_get(&s, 1, &out);
  EXPECT_EQ(out.block, in.block);
  EXPECT_EQ(out.reason, in.reason);
  EXPECT_EQ(out.time, in.time);
  EXPECT_EQ(out.errors, in.errors);
  EXPECT_EQ(out.wear, 77u);
  EXPECT_EQ(out.state, RM_SLOT_LOST);
  EXPECT_EQ(rm_slots_block(&s, 1), in.block);
}

TEST(SlotAllocator, AMillionTakeAtMostNineteenBytesEach) {
  EXPECT_LE(rm_slots_bytes(1048576), 1048576u * 19);
}

}  // namespace
