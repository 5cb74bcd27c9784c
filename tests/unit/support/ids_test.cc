#include "support/ids.h"

#include <gtest/gtest.h>

#include <set>

#include "support/clock.h"
#include "support/spec_hash.h"
#include "support/tls.h"

namespace remapfleet {
namespace {

TEST(HostId, AcceptsNamesAndRefusesTheRest) {
  for (const char* good : {"a", "node-1", "rack3.node7", "0"}) {
    EXPECT_TRUE(ParseHostId(good)) << good;
  }
  for (const char* bad : {"", "-a", "a-", "A", "a b", "a/b", "..", "a\n"}) {
    EXPECT_FALSE(ParseHostId(bad)) << bad;
  }
  EXPECT_TRUE(ParseHostId(std::string(64, 'a')));
  EXPECT_FALSE(ParseHostId(std::string(65, 'a')));
}

TEST(Uuid, IsRandomAndWellFormed) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = NewUuid();
    EXPECT_TRUE(IsUuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    EXPECT_TRUE(seen.insert(uuid).second);
  }
  EXPECT_FALSE(IsUuid("00000000-0000-4000-8000-00000000000G"));
  EXPECT_FALSE(IsUuid("00000000x0000-4000-8000-000000000000"));
  EXPECT_FALSE(IsUuid("00000000-0000-4000-8000-0000000000000"));
}

TEST(PeerUri, NamesHostOrOperator) {
  const auto host = ParsePeerUri("remapfleet://host/node-1");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->kind, PeerIdentity::Kind::kHost);
  EXPECT_EQ(host->name, "node-1");
  EXPECT_EQ(ParsePeerUri("remapfleet://operator/ann")->kind, PeerIdentity::Kind::kOperator);
  for (const char* bad : {"", "remapfleet://host/", "remapfleet://host/a/b", "remapfleet://HOST/a",
                          "spiffe://host/a", "xremapfleet://host/a"}) {
    EXPECT_FALSE(ParsePeerUri(bad)) << bad;
  }
}

TEST(Time, SurvivesTheWireAndPrintsUtc) {
  const TimePoint time{std::chrono::microseconds(1'700'000'000'123'456)};
  EXPECT_EQ(FromProto(ToProto(time)), time);
  EXPECT_EQ(FormatTime(time), "2023-11-14T22:13:20.123456Z");
  const TimePoint before{std::chrono::microseconds(-1)};
  EXPECT_EQ(FromProto(ToProto(before)), before);
  EXPECT_GE(ToProto(before).nanos(), 0);
}

TEST(SpecHash, DependsOnEveryFieldAndNotOnMapOrder) {
  v1::RemapDeviceSpec a;
  a.set_device_name("data0");
  (*a.mutable_settings())["x"] = "1";
  (*a.mutable_settings())["y"] = "2";
  v1::RemapDeviceSpec b;
  (*b.mutable_settings())["y"] = "2";
  (*b.mutable_settings())["x"] = "1";
  b.set_device_name("data0");
  EXPECT_EQ(SpecHash(a), SpecHash(b));
  EXPECT_EQ(SpecHash(a).size(), 32U);
  b.set_data_offset_sectors(1);
  EXPECT_NE(SpecHash(a), SpecHash(b));
  EXPECT_EQ(KindOf(a), "remap/data0");
}

}  // namespace
}  // namespace remapfleet
