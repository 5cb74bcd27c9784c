#include "slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "format.h"

namespace {

struct Slots : rm_slots {
  explicit Slots(u32 count) : rm_slots{}, states(count), wears(count) {
    rm_slots_init(this, count, states.data(), wears.data());
  }
  std::vector<u8> states;
  std::vector<u32> wears;
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
    ASSERT_EQ(s.state[slot], RM_SLOT_FREE);
    s.wear[slot]++;
    rm_slots_set(&s, slot, RM_SLOT_USED);
    used.push_back(slot);
  }
  const auto [min, max] = std::minmax_element(s.wears.begin(), s.wears.end());
  EXPECT_LE(*max - *min, 25u);
}

TEST(SlotAllocator, CountsAgreeWithTheStates) {
  Slots s(50);
  std::mt19937 rng(4);
  for (int i = 0; i < 5000; i++) {
    rm_slots_set(&s, static_cast<u32>(rng() % 50), static_cast<u8>(rng() % 5));
    if (i % 100 == 0) rm_slots_release_held(&s);
    const auto count = [&](u8 state) {
      return std::count(s.states.begin(), s.states.end(), state);
    };
    ASSERT_EQ(s.free, count(RM_SLOT_FREE));
    ASSERT_EQ(s.bad, count(RM_SLOT_BAD));
    ASSERT_EQ(s.held, count(RM_SLOT_HELD));
    ASSERT_EQ(s.used, count(RM_SLOT_USED) + count(RM_SLOT_LOST));
  }
}

}  // namespace
