#include "controller/predict/rules.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace remapfleet {
namespace {

using Field = std::function<void(DriveFeatures&, std::uint64_t)>;

const std::vector<Field>& Counts() {
  static const std::vector<Field> fields = {
      [](DriveFeatures& f, std::uint64_t n) { f.reallocated_sectors = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.pending_sectors = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.offline_uncorrectable_sectors = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.reported_uncorrectable_errors = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.reallocated_day = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.reallocated_week = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.pending_day = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.reported_week = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.read_errors = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.write_errors = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.weak_blocks = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.target_pending = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.target_lost = n; },
      [](DriveFeatures& f, std::uint64_t n) { f.target_remaps = n; },
  };
  return fields;
}

TEST(Rules, NothingKnownIsNoRiskAndNoReason) {
  const v1::Risk risk = ScoreByRules({});
  EXPECT_EQ(risk.score(), 0);
  EXPECT_EQ(risk.reasons_size(), 0);
  EXPECT_EQ(risk.model(), "rules-1");
}

TEST(Rules, ZeroAddsNothing) {
  DriveFeatures zeros;
  for (const Field& set : Counts()) set(zeros, 0);
  zeros.smart_passed = true;
  EXPECT_EQ(ScoreByRules(zeros).score(), 0);
}

TEST(Rules, EveryCountCountsAndSaysSo) {
  for (const Field& set : Counts()) {
    DriveFeatures features;
    set(features, 7);
    const v1::Risk risk = ScoreByRules(features);
    EXPECT_GT(risk.score(), 0);
    ASSERT_EQ(risk.reasons_size(), 1);
    EXPECT_NE(risk.reasons(0).find(": 7"), std::string::npos) << risk.reasons(0);
  }
}

TEST(Rules, MoreErrorsNeverLowerTheScore) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    DriveFeatures features;
    for (const Field& set : Counts()) {
      if (random() % 2 == 0) set(features, random() % 3 == 0 ? 0 : random() % 100000);
    }
    for (const Field& set : Counts()) {
      DriveFeatures fewer = features;
      DriveFeatures more = features;
      const std::uint64_t n = random() % 1000;
      set(fewer, n);
      set(more, n + 1 + random() % 1000);
      EXPECT_LE(ScoreByRules(fewer).score(), ScoreByRules(more).score());
      EXPECT_LE(ScoreByRules(more).score(), 1);
    }
  }
}

TEST(Rules, WorstReasonComesFirst) {
  DriveFeatures features;
  features.reallocated_sectors = 1;
  features.read_errors = 3;
  const v1::Risk risk = ScoreByRules(features);
  EXPECT_EQ(risk.reasons(0), "read errors in 24 hours: 3");
}

}  // namespace
}  // namespace remapfleet
