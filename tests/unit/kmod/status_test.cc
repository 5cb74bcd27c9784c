#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "remap_status.h"

namespace {

const std::string kLine =
    "1 rw block_size=8 md_gen=2 md_copies_ok=2 md_copies=2 slots=3904 slots_used=7 slots_bad=1 "
    "remaps=7 pending=3 "
    "lost=0 rehabilitated=0 salvaged=0 auto_remaps=5 manual_remaps=2 predicted_remaps=0 "
    "read_errors=9 write_errors=5 "
    "nonmedia_errors=1 retries_ok=4 reads=18446744073709551615 writes=1 remapped_reads=0 "
    "remapped_writes=0 "
    "fast_path=6 slow_path=0 cache_hits=0 cache_misses=0 seq_ios=2 random_ios=4 scrub_state=idle "
    "scrub_pos=0 "
    "scrub_total=16384 scrub_found=0 scrub_rate=0 hot_regions=0 error_clusters=0 wear_max=3 "
    "wear_min=0 health=93 "
    "commits=12 commit_fail=0 last_error_s=1700000000 events=11";

int Parse(const std::string& line, remap_status* st) {
  return remap_status_parse(line.c_str(), st);
}

TEST(StatusLine, EveryKeyLandsInItsField) {
  remap_status st = {};
  ASSERT_EQ(Parse(kLine, &st), 0);
  EXPECT_EQ(st.mode, REMAP_MODE_RW);
  EXPECT_EQ(st.block_size, 8u);
  EXPECT_EQ(st.slots, 3904u);
  EXPECT_EQ(st.reads, ~0ull);
  EXPECT_EQ(st.scrub_state, REMAP_SCRUB_IDLE);
  EXPECT_EQ(st.health, 93);
  EXPECT_EQ(st.last_error_s, 1700000000u);
  EXPECT_EQ(st.events, 11u);
  EXPECT_EQ(Parse(kLine + "\n", &st), 0);
}

TEST(StatusLine, AllModes) {
  remap_status st = {};
  for (int mode = 0; mode < REMAP_MODE_NR; mode++) {
    const std::string name = remap_mode_name(static_cast<remap_mode>(mode));
    ASSERT_EQ(Parse("1 " + name + kLine.substr(4), &st), 0) << name;
    EXPECT_EQ(st.mode, mode);
  }
}

TEST(StatusLine, NewKeysAtTheEndAreAccepted) {
  remap_status st = {};
  EXPECT_EQ(Parse(kLine + " new_key=5 other=word", &st), 0);
}

TEST(StatusLine, WhatIsNotOneIsRefused) {
  remap_status st = {};
  for (const std::string& bad :
       {std::string(), std::string("1"), std::string("Fail"), "2" + kLine.substr(1),
        "1 best" + kLine.substr(4), kLine + " junk", kLine + " =5",
        kLine + " key=", kLine + " slots=5", kLine + "\n\n", kLine + "\nx",
        kLine.substr(0, kLine.rfind(' ')), kLine + "x", "11" + kLine.substr(1)}) {
    EXPECT_EQ(Parse(bad, &st), -EINVAL) << bad;
  }
}

TEST(StatusLine, EachWordMissingOrSpoiledIsRefused) {
  remap_status st = {};
  for (size_t start = 0; start != std::string::npos;) {
    const size_t end = kLine.find(' ', start);
    const std::string head = kLine.substr(0, start);
    const std::string word = kLine.substr(start, end == std::string::npos ? end : end - start);
    const std::string tail = end == std::string::npos ? "" : kLine.substr(end);
    EXPECT_EQ(Parse(head + (tail.empty() ? tail : tail.substr(1)), &st), -EINVAL) << word;
    EXPECT_EQ(Parse(head + word + "!" + tail, &st), -EINVAL) << word;
    if (word.find('=') != std::string::npos) {
      EXPECT_EQ(Parse(head + word.substr(0, word.find('=') + 1) + "-1" + tail, &st), -EINVAL)
          << word;
      EXPECT_EQ(
          Parse(head + word.substr(0, word.find('=') + 1) + "18446744073709551616" + tail, &st),
          -EINVAL);
    }
    start = end == std::string::npos ? end : end + 1;
  }
}

TEST(Numbers, NothingButADecimalU64) {
  __u64 v = 0;
  EXPECT_EQ(remap_u64_parse("18446744073709551615", &v), 0);
  EXPECT_EQ(v, ~0ull);
  for (const char* bad :
       {"", "18446744073709551616", "99999999999999999999", "-1", "+1", " 1", "1 ", "0x1", "1.0"}) {
    EXPECT_EQ(remap_u64_parse(bad, &v), -EINVAL) << bad;
  }
}

}  // namespace
