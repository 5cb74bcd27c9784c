#include "topk.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace {

TEST(TopK, FindsWhateverIsFrequentEnough) {
  std::mt19937_64 rng(11);
  rm_topk t = {};
  std::map<u64, u32> truth;
  for (int i = 0; i < 50000; i++) {
    // 20 keys have 3 % each, the rest is noise
    const u64 key = rng() % 100 < 60 ? rng() % 20 : 1000 + rng() % 1000000;
    truth[key]++;
    rm_topk_add(&t, key);
  }
  ASSERT_EQ(t.n, static_cast<unsigned>(RM_TOPK));
  for (unsigned i = 0; i < 20; i++) EXPECT_LT(t.entry[i].key, 20u) << i;
  for (unsigned i = 0; i < t.n; i++) {
    EXPECT_GE(t.entry[i].count, truth[t.entry[i].key]);
    EXPECT_LE(t.entry[i].count - t.entry[i].over, truth[t.entry[i].key]);
    if (i > 0) {
      EXPECT_LE(t.entry[i].count, t.entry[i - 1].count);
    }
  }
}

TEST(TopK, WhatWasHotFades) {
  rm_topk t = {};
  for (int i = 0; i < RM_TOPK_AGE; i++) rm_topk_add(&t, 1);
  for (int i = 0; i < RM_TOPK_AGE; i++) rm_topk_add(&t, 2);
  for (int i = 0; i < RM_TOPK_AGE; i++) rm_topk_add(&t, 2);
  EXPECT_EQ(t.entry[0].key, 2u);
  EXPECT_LE(t.entry[0].count, 2u * RM_TOPK_AGE);
}

}  // namespace
