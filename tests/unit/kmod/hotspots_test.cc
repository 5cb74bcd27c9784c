#include "hotspots.h"

#include <gtest/gtest.h>

#include <memory>

namespace {

constexpr u64 kMb = 1'000'000 / 512;
constexpr u64 kHour = 3600;

struct Hotspots : testing::Test {
  std::unique_ptr<rm_hotspots> h = std::make_unique<rm_hotspots>();
  u64 now = 1'700'000'000;
  void Error(u64 sector) { rm_hotspots_error(h.get(), sector, now); }
  unsigned Regions() { return rm_hotspots_regions(h.get(), now); }
  unsigned Clusters() { return rm_hotspots_clusters(h.get(), now); }
};

TEST_F(Hotspots, OneErrorIsNoPattern) {
  Error(5000);
  EXPECT_EQ(Regions(), 0u);
  EXPECT_EQ(Clusters(), 0u);
}

TEST_F(Hotspots, ARegionGetsHotAndCoolsDown) {
  Error(2048 * 10);
  now += 1 * kHour;
  Error(2048 * 11 - 1);
  EXPECT_EQ(Regions(), 1u);
  EXPECT_EQ(rm_hotspots_region_from(h.get(), 0, now)->region, 10u);
  EXPECT_EQ(rm_hotspots_region_from(h.get(), 11, now), nullptr);
  now += 24 * kHour;
  EXPECT_EQ(Regions(), 0u);
}

TEST_F(Hotspots, WeightHalvesEachDay) {
  for (int i = 0; i < 8; i++) Error(0);
  const rm_region& r = h->region[0];
  EXPECT_EQ(rm_region_weight(&r, now), 8u * RM_WEIGHT_ONE);
  EXPECT_EQ(rm_region_weight(&r, now + 24 * kHour), 4u * RM_WEIGHT_ONE);
  EXPECT_EQ(rm_region_weight(&r, now + 72 * kHour), 1u * RM_WEIGHT_ONE);
  EXPECT_EQ(rm_region_weight(&r, now + 12 * kHour), 6u * RM_WEIGHT_ONE);
  EXPECT_EQ(rm_region_weight(&r, now - kHour), 8u * RM_WEIGHT_ONE) << "a clock set back";
}

TEST_F(Hotspots, ClustersAreToldApartByTheGap) {
  for (u64 mb : {100, 109, 118, 200, 205, 1000}) Error(mb * kMb);
  EXPECT_EQ(Clusters(), 2u) << "and one that is alone";
  EXPECT_EQ(h->cluster[0].errors, 3u);
  EXPECT_EQ(h->cluster[0].first, 100 * kMb);
  EXPECT_EQ(h->cluster[0].last, 118 * kMb);
  Error(1011 * kMb);
  EXPECT_EQ(Clusters(), 2u);
  Error(1005 * kMb);
  EXPECT_EQ(Clusters(), 3u) << "the gap is closed";
  EXPECT_EQ(h->cluster[2].errors, 3u);
}

TEST_F(Hotspots, AClusterEndsADayAfterItsLastError) {
  Error(0);
  now += 23 * kHour;
  Error(kMb);
  now += 23 * kHour;
  EXPECT_EQ(Clusters(), 1u);
  now += 2 * kHour;
  EXPECT_EQ(Clusters(), 0u);
  Error(kMb);
  EXPECT_EQ(Clusters(), 0u) << "what is long ago does not count with it";
}

TEST_F(Hotspots, AStormIsBoundedAndTheHeaviestStays) {
  for (int i = 0; i < 10; i++) Error(7);
  for (u64 i = 1; i < 5000; i++) {
    now++;
    Error(i * 100 * kMb);
  }
  EXPECT_EQ(h->n_clusters, static_cast<unsigned>(RM_CLUSTERS_MAX));
  EXPECT_EQ(Regions(), 1u);
}

}  // namespace
