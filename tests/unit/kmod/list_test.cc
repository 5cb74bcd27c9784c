#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "remap_status.h"

namespace {

TEST(ListReply, LinesAndCursor) {
  const char* text =
      "5 3 remapped 17 reason=manual errors=1 time=9\n"
      "9 1 remapped 30 reason=write_error errors=1 time=9 valid=0xf\n"
      "next=12";
  remap_list_item item = {};
  ASSERT_EQ(remap_list_next(&text, &item), 1);
  EXPECT_EQ(item.block, 5u);
  EXPECT_EQ(item.count, 3u);
  EXPECT_EQ(item.state, REMAP_BLOCK_REMAPPED);
  EXPECT_TRUE(item.has_slot);
  EXPECT_EQ(item.slot, 17u);
  EXPECT_EQ(std::string(item.extra, item.extra_len), "reason=manual errors=1 time=9");
  ASSERT_EQ(remap_list_next(&text, &item), 1);
  EXPECT_EQ(item.block, 9u);
  ASSERT_EQ(remap_list_next(&text, &item), 1);
  EXPECT_TRUE(item.is_next);
  EXPECT_EQ(item.cursor, 12u);
  EXPECT_EQ(remap_list_next(&text, &item), 0);
}

TEST(ListReply, WithoutSlot) {
  const char* text = "7 2 pending reason=read_error errors=1 time=0\n";
  remap_list_item item = {};
  ASSERT_EQ(remap_list_next(&text, &item), 1);
  EXPECT_EQ(item.state, REMAP_BLOCK_PENDING);
  EXPECT_FALSE(item.has_slot);
  EXPECT_EQ(remap_list_next(&text, &item), 0);
}

TEST(ListReply, AnEmptyOneHasNoItems) {
  const char* text = "ok entries=0";
  remap_list_item item = {};
  EXPECT_EQ(remap_list_next(&text, &item), 0);
  EXPECT_EQ(remap_list_next(&text, &item), 0);
}

TEST(ListReply, BadLinesAreRefused) {
  for (const char* bad :
       {"x 1 pending", "1 pending", "1 1", "1 1 nonsense", "1 0 pending", "1 1 pending junk",
        "1 1 remapped 2 3", "1 1 remapped 2 key=", "next=", "next=x", "next=5\n1 1 pending",
        "other=5", "ok", "ok entries=1", "ok entries=0\n1 1 pending"}) {
    const char* text = bad;
    remap_list_item item = {};
    EXPECT_EQ(remap_list_next(&text, &item), -EINVAL) << bad;
  }
}

TEST(ListReply, WhereThingsGather) {
  const char* text =
      "10240 1 hot samples=300 over=2\n1000 1501 cluster errors=3 since=7 time=9\n"
      "768 256 region errors=2 weight=1999 time=9";
  for (remap_block_state state : {REMAP_BLOCK_HOT, REMAP_BLOCK_CLUSTER, REMAP_BLOCK_REGION}) {
    remap_list_item item = {};
    ASSERT_EQ(remap_list_next(&text, &item), 1);
    EXPECT_EQ(item.state, state);
    EXPECT_FALSE(item.has_slot);
  }
  remap_query q = {};
  EXPECT_EQ(remap_query_parse("1 hot block=0", &q), -EINVAL) << "no block is in such a state";
}

TEST(QueryReply, AllStates) {
  remap_query q = {};
  ASSERT_EQ(remap_query_parse("800 remapped block=100 slot=5 valid=0xff reason=manual", &q), 0);
  EXPECT_EQ(q.sector, 800u);
  EXPECT_EQ(q.state, REMAP_BLOCK_REMAPPED);
  __u64 slot = 0;
  EXPECT_EQ(remap_kv_u64(q.extra, "slot", &slot), 0);
  EXPECT_EQ(slot, 5u);
  EXPECT_EQ(remap_kv_u64(q.extra, "lot", &slot), -EINVAL);
  EXPECT_EQ(remap_kv_u64(q.extra, "reason", &slot), -EINVAL);
  for (const char* word : {"clean", "pending", "lost"}) {
    EXPECT_EQ(remap_query_parse((std::string("1 ") + word + " block=0").c_str(), &q), 0) << word;
  }
  for (const char* bad :
       {"", "800", "x clean", "800 nonsense", "800 clean junk", "800 bad", "800 clean a=1\nb=2"}) {
    EXPECT_EQ(remap_query_parse(bad, &q), -EINVAL) << bad;
  }
}

}  // namespace
