#include "format.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

namespace {

using Page = std::array<u8, RM_PAGE_BYTES>;
constexpr u8 kUuid[RM_UUID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

rm_super Super() {
  rm_super sb = {};
  std::memcpy(sb.set_uuid, kUuid, RM_UUID_SIZE);
  sb.spare_uuid[0] = 9;
  sb.flags = RM_SB_MAINT;
  sb.gen = 0x1122334455667788;
  sb.index = 1;
  sb.set.n = 2;
  sb.main_sectors = 1000000;
  sb.target_sectors = 990000;
  sb.data_offset = 2048;
  sb.main_lbs = 512;
  sb.main_pbs = 4096;
  sb.block_size = 8;
  sb.copies = 3;
  sb.mirror_mask = 5;
  sb.writing = rm_page_writing(7, 1);
  sb.pending_pages = 4;
  sb.slots = 1234;
  sb.sectors = 65536;
  sb.scrub_pos = 0x123456789;
  sb.scrub_found = 77;
  sb.scrub_rate = ~0u;
  sb.scrub_state = 2;
  return sb;
}

rm_page_header Header(u64 gen) { return {kUuid, 7, gen, RM_PAGE_SLOTS}; }

Page Sealed(u64 gen, u8 fill) {
  Page page;
  page.fill(fill);
  const rm_page_header h = Header(gen);
  rm_page_seal(page.data(), &h);
  return page;
}

u64 Check(const Page& page) {
  const rm_page_header h = Header(0);
  return rm_page_check(page.data(), &h);
}

TEST(Crc, IsCrc32c) {
  // the published check value
  EXPECT_EQ(~rm_crc32c(0xffffffff, "123456789", 9), 0xe3069283u);
}

TEST(Superblock, ComesBackAsWritten) {
  std::array<u8, RM_SB_BYTES> buf;
  const rm_super sb = Super();
  rm_super_encode(&sb, buf.data());
  rm_super back = {};
  ASSERT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_OK);
  EXPECT_EQ(back.gen, sb.gen);
  EXPECT_EQ(back.flags, sb.flags);
  EXPECT_EQ(back.index, sb.index);
  EXPECT_EQ(back.set.n, sb.set.n);
  EXPECT_EQ(back.main_sectors, sb.main_sectors);
  EXPECT_EQ(back.target_sectors, sb.target_sectors);
  EXPECT_EQ(back.data_offset, sb.data_offset);
  EXPECT_EQ(back.main_lbs, sb.main_lbs);
  EXPECT_EQ(back.main_pbs, sb.main_pbs);
  EXPECT_EQ(back.block_size, sb.block_size);
  EXPECT_EQ(back.copies, sb.copies);
  EXPECT_EQ(back.mirror_mask, sb.mirror_mask);
  EXPECT_EQ(back.writing, sb.writing);
  EXPECT_EQ(back.pending_pages, sb.pending_pages);
  EXPECT_EQ(back.slots, sb.slots);
  EXPECT_EQ(back.sectors, sb.sectors);
  EXPECT_EQ(back.scrub_pos, sb.scrub_pos);
  EXPECT_EQ(back.scrub_found, sb.scrub_found);
  EXPECT_EQ(back.scrub_rate, sb.scrub_rate);
  EXPECT_EQ(back.scrub_state, sb.scrub_state);
  EXPECT_EQ(std::memcmp(back.set_uuid, sb.set_uuid, RM_UUID_SIZE), 0);
  EXPECT_EQ(std::memcmp(back.spare_uuid, sb.spare_uuid, RM_UUID_SIZE), 0);
}

// Two spares of which the first has grown once and is retired.
rm_set Set() {
  rm_set set = {};
  set.gen = 7;
  set.n = 3;
  set.area[0] = {0x1122, 1001, 0, RM_AREA_RETIRED};
  set.area[1] = {rm_uuid_id(Super().spare_uuid), 65536, 1, 0};
  set.area[2] = {0x3344, 500, 0, RM_AREA_RETIRED};
  return set;
}

TEST(Superblock, NamesTheAreasOfItsSet) {
  std::array<u8, RM_SB_BYTES> buf;
  rm_super sb = Super();
  sb.set = Set();
  rm_super_encode(&sb, buf.data());
  rm_super back = {};
  ASSERT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_OK);
  EXPECT_EQ(back.set.gen, 7u);
  ASSERT_EQ(back.set.n, 3u);
  for (u32 i = 0; i < 3; i++) {
    EXPECT_EQ(back.set.area[i].id, sb.set.area[i].id);
    EXPECT_EQ(back.set.area[i].sectors, sb.set.area[i].sectors);
    EXPECT_EQ(back.set.area[i].spare, sb.set.area[i].spare);
    EXPECT_EQ(back.set.area[i].flags, sb.set.area[i].flags);
  }
  EXPECT_EQ(rm_set_find(&back.set, 0x3344), 2u);
  EXPECT_EQ(rm_set_find(&back.set, 0x5566), 3u);
  EXPECT_EQ(buf[144], 7);
  EXPECT_EQ(buf[152], 0x22);
  EXPECT_EQ(buf[152 + 8], 1001 & 255);
  EXPECT_EQ(buf[152 + 15], RM_AREA_RETIRED);
}

TEST(Superblock, WithAListThatCannotBeIsBad) {
  const auto check = [](auto&& change) {
    std::array<u8, RM_SB_BYTES> buf;
    rm_super sb = Super(), back = {};
    sb.set = Set();
    change(&sb);
    rm_super_encode(&sb, buf.data());
    return rm_super_decode(buf.data(), &back);
  };
  EXPECT_EQ(check([](rm_super*) {}), RM_SUPER_OK);
  EXPECT_EQ(check([](rm_super* sb) { sb->index = 3; }), RM_SUPER_BAD);
  EXPECT_EQ(check([](rm_super* sb) { sb->set.n = 0; }), RM_SUPER_BAD);
  EXPECT_EQ(check([](rm_super* sb) { sb->set.area[2].sectors = 0; }), RM_SUPER_BAD);
  EXPECT_EQ(check([](rm_super* sb) { sb->set.area[1].spare = 2; }), RM_SUPER_BAD);
  EXPECT_EQ(check([](rm_super* sb) { sb->set.area[1].spare = 0, sb->set.area[2].spare = 1; }),
            RM_SUPER_BAD);
  EXPECT_EQ(check([](rm_super* sb) { sb->set.area[2].id = 0x1122; }), RM_SUPER_BAD);
}

TEST(Layout, AreasOfASpareStandAtWholePages) {
  const rm_set set = Set();
  EXPECT_EQ(rm_set_offset(&set, 0), 0u);
  EXPECT_EQ(rm_set_offset(&set, 1), 0u);
  EXPECT_EQ(rm_set_offset(&set, 2), 1008u);
}

TEST(Superblock, IsLittleEndianAtPublishedPlaces) {
  std::array<u8, RM_SB_BYTES> buf;
  const rm_super sb = Super();
  rm_super_encode(&sb, buf.data());
  EXPECT_EQ(std::memcmp(buf.data(), "RMAPSB01", 8), 0);
  EXPECT_EQ(buf[12], 1);
  EXPECT_EQ(buf[64], 0x88);
  EXPECT_EQ(buf[71], 0x11);
}

TEST(Superblock, EveryFlippedBitIsSeen) {
  std::array<u8, RM_SB_BYTES> buf;
  const rm_super sb = Super();
  rm_super_encode(&sb, buf.data());
  for (size_t bit = 0; bit < buf.size() * 8; bit++) {
    buf[bit / 8] ^= static_cast<u8>(1u << (bit % 8));
    rm_super back = {};
    ASSERT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_BAD) << bit;
    buf[bit / 8] ^= static_cast<u8>(1u << (bit % 8));
  }
}

TEST(Superblock, NewerIsNotDamaged) {
  std::array<u8, RM_SB_BYTES> buf;
  rm_super sb = Super(), back = {};
  sb.incompat = 1u << 20;
  rm_super_encode(&sb, buf.data());
  EXPECT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_NEWER);
  sb = Super();
  sb.ro = 2;
  rm_super_encode(&sb, buf.data());
  EXPECT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_OK);
  EXPECT_TRUE(rm_super_read_only(&back));
  sb = Super();
  sb.compat = 4;
  rm_super_encode(&sb, buf.data());
  EXPECT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_OK);
  EXPECT_FALSE(rm_super_read_only(&back));
  EXPECT_EQ(back.compat, 4u);  // so that it is still there when written back
}

TEST(Superblock, NonsenseBehindARightChecksumIsRefused) {
  std::array<u8, RM_SB_BYTES> buf;
  rm_super back = {};
  for (auto spoil : std::vector<void (*)(rm_super&)>{
           [](rm_super& s) { s.copies = 6; }, [](rm_super& s) { s.copies = 1; },
           [](rm_super& s) { s.mirror_mask = 0; }, [](rm_super& s) { s.mirror_mask = 8; },
           [](rm_super& s) { s.block_size = 3; }, [](rm_super& s) { s.block_size = 128; },
           [](rm_super& s) { s.block_size = 0; }, [](rm_super& s) { s.slots = 0; },
           [](rm_super& s) { s.pending_pages = 65; }}) {
    rm_super sb = Super();
    spoil(sb);
    rm_super_encode(&sb, buf.data());
    EXPECT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_BAD);
  }
  buf.fill(0);
  EXPECT_EQ(rm_super_decode(buf.data(), &back), RM_SUPER_BLANK);
}

TEST(Records, ComeBackAsWritten) {
  Page page{};
  std::mt19937_64 rng(1);
  std::vector<rm_slot_record> want;
  for (unsigned i = 0; i < RM_SLOTS_PER_PAGE; i++) {
    rm_slot_record r = {};
    r.block = rng() & 0xffffffffffff;
    r.mask = rng();
    r.seq = rng() & 0xffffffffffff;
    r.time = static_cast<u32>(rng());
    r.wear = static_cast<u32>(rng());
    r.errors = static_cast<u16>(rng());
    r.state = static_cast<u8>(rng() % 4);
    r.reason = static_cast<u8>(rng());
    want.push_back(r);
    rm_slot_set(page.data(), i, &r);
  }
  for (unsigned i = 0; i < RM_SLOTS_PER_PAGE; i++) {
    rm_slot_record r = {};
    rm_slot_get(page.data(), i, &r);
    EXPECT_EQ(r.block, want[i].block);
    EXPECT_EQ(r.mask, want[i].mask);
    EXPECT_EQ(r.seq, want[i].seq);
    EXPECT_EQ(r.time, want[i].time);
    EXPECT_EQ(r.wear, want[i].wear);
    EXPECT_EQ(r.errors, want[i].errors);
    EXPECT_EQ(r.state, want[i].state);
    EXPECT_EQ(r.reason, want[i].reason);
  }
  EXPECT_TRUE(rm_is_zero(page.data(), RM_PAGE_HEADER));
}

TEST(Records, PendingComeBackAsWritten) {
  Page page{};
  for (unsigned i = 0; i < RM_PENDING_PER_PAGE; i++) {
    const rm_pending_record r = {0xfedcba987654ull + i, i, static_cast<u16>(i + 1), 3, i % 2 == 0};
    rm_pending_set(page.data(), i, &r);
  }
  for (unsigned i = 0; i < RM_PENDING_PER_PAGE; i++) {
    rm_pending_record r = {};
    rm_pending_get(page.data(), i, &r);
    EXPECT_EQ(r.block, 0xfedcba987654 + i);
    EXPECT_EQ(r.time, i);
    EXPECT_EQ(r.errors, i + 1);
    EXPECT_EQ(r.reason, 3);
    EXPECT_EQ(r.used, i % 2 == 0);
  }
}

TEST(PageTest, BelongsToOnePlaceOnly) {
  const Page page = Sealed(5, 0xaa);
  EXPECT_EQ(Check(page), 5u);
  rm_page_header h = Header(0);
  h.number = 8;
  EXPECT_EQ(rm_page_check(page.data(), &h), 0u);
  h = Header(0);
  h.type = RM_PAGE_PENDING;
  EXPECT_EQ(rm_page_check(page.data(), &h), 0u);
  const u8 other[RM_UUID_SIZE] = {};
  h = Header(0);
  h.uuid = other;
  EXPECT_EQ(rm_page_check(page.data(), &h), 0u);
}

// Two mirrors of two copies as on a spare; a commit is cut short at every 512 bytes of every page
// it writes.
TEST(PageTest, TornAtEverySectorTheOldOrTheNewIsReadAndNeverAnythingElse) {
  const Page a = Sealed(11, 0x11), b = Sealed(10, 0x22), next = Sealed(12, 0x33);
  for (int cut = 0; cut <= 2 * 8; cut++) {
    std::array<std::array<Page, 2>, 2> disk{{{a, b}, {a, b}}};  // [mirror][copy]
    for (int sector = 0; sector < cut; sector++) {
      const int at = sector % 8 * 512;
      std::memcpy(&disk[sector / 8][1][at], &next[at], 512);
    }
    u64 gen[2][5] = {};
    for (int copy = 0; copy < 2; copy++) {
      for (int mirror = 0; mirror < 2; mirror++) gen[copy][mirror] = Check(disk[mirror][copy]);
    }
    unsigned mirror = 99;
    const int copy = rm_page_choose(gen, 3, &mirror);
    ASSERT_GE(copy, 0) << cut;
    const Page& chosen = disk[mirror][copy];
    EXPECT_TRUE(chosen == a || chosen == next) << cut;
    EXPECT_EQ(chosen == next, cut >= 8) << cut;
  }
}

TEST(PageTest, TornInAnyOrderOfSectorsIsSeen) {
  const Page old = Sealed(10, 0x22), next = Sealed(12, 0x33);
  for (unsigned written = 1; written < 255; written++) {
    Page page = old;
    for (unsigned s = 0; s < 8; s++) {
      if (written >> s & 1) std::memcpy(&page[s * 512], &next[s * 512], 512);
    }
    EXPECT_EQ(Check(page), 0u) << written;
  }
}

TEST(PageChoice, TakesTheNewestOfAll) {
  unsigned mirror = 0;
  const u64 gen[2][5] = {{4, 4}, {5, 3}};
  EXPECT_EQ(rm_page_choose(gen, 3, &mirror), 1);
  EXPECT_EQ(mirror, 0u);
}

TEST(PageChoice, OneDamagedMirrorChangesNothing) {
  unsigned mirror = 0;
  const u64 gen[2][5] = {{0, 6, 6}, {5, 0, 5}};
  EXPECT_EQ(rm_page_choose(gen, 7, &mirror), 0);
  EXPECT_EQ(mirror, 1u);
}

TEST(PageChoice, ACopyDamagedInEveryMirrorStopsLoading) {
  unsigned mirror = 0;
  const u64 newer_gone[2][5] = {{0, 0}, {5, 5}};
  EXPECT_EQ(rm_page_choose(newer_gone, 3, &mirror), -EUCLEAN);
  const u64 all_gone[2][5] = {};
  EXPECT_EQ(rm_page_choose(all_gone, 3, &mirror), -EUCLEAN);
}

TEST(PageChoice, AMirrorThatMissedWritesIsNotBelieved) {
  unsigned mirror = 0;
  // mirror 1 was dropped at generation 4; mirror 0's newer copy is damaged now
  const u64 gen[2][5] = {{0, 4}, {5, 3}};
  EXPECT_EQ(rm_page_choose(gen, 1, &mirror), -EUCLEAN);
}

TEST(PageChoice, OfTheCopyThatWasBeingWrittenToTheOnlyMirrorTheOtherCounts) {
  unsigned mirror = 99;
  const u64 gen[2][5] = {{9, 0}, {9, 5}};
  EXPECT_EQ(rm_page_choose(gen, 2, &mirror), -EUCLEAN);
  EXPECT_EQ(rm_page_choose_other(gen, 2, 0, &mirror), 1);
  EXPECT_EQ(mirror, 1u);
  // not when it is the other one that is damaged
  EXPECT_EQ(rm_page_choose_other(gen, 2, 1, &mirror), -EUCLEAN);
}

TEST(Signature, OfMain) {
  std::array<u8, RM_SB_BYTES> buf;
  u8 uuid[RM_UUID_SIZE] = {};
  rm_main_encode(kUuid, buf.data());
  ASSERT_TRUE(rm_main_decode(buf.data(), uuid));
  EXPECT_EQ(std::memcmp(uuid, kUuid, RM_UUID_SIZE), 0);
  buf[20] ^= 1;
  EXPECT_FALSE(rm_main_decode(buf.data(), uuid));
}

struct Extent {
  u64 start, end;
};

TEST(Layout, NothingOverlapsAndAllIsInside) {
  for (u32 copies = 2; copies <= 5; copies++) {
    for (u32 block_size : {1u, 8u, 64u}) {
      for (u64 sectors : {2048ull, 4097ull, 65536ull, 1000007ull}) {
        rm_layout l = {};
        const u32 pending = rm_pending_pages_for(sectors);
        if (rm_layout_most(&l, sectors, block_size, copies, pending, RM_SLOTS_DEFAULT_MAX))
          continue;
        std::vector<Extent> all;
        for (unsigned end = 0; end < 2; end++) {
          for (unsigned copy = 0; copy < 2; copy++) {
            const u64 at = rm_layout_super(&l, end, copy);
            all.push_back({at, at + RM_SB_PLACE_SECTORS});
          }
        }
        for (unsigned m = 0; m < copies; m++) {
          const u64 at = rm_layout_page(&l, m, 0, 0);
          all.push_back({at, at + l.mirror_sectors});
          const u64 last = rm_layout_page(&l, m, l.slot_pages + l.pending_pages - 1, 1);
          EXPECT_EQ(last + RM_PAGE_SECTORS, at + l.mirror_sectors);
        }
        all.push_back({l.slot_start, l.slot_start + l.slots * block_size});
        EXPECT_LE(all.back().end, l.tail_start);
        for (size_t i = 0; i < all.size(); i++) {
          EXPECT_LE(all[i].end, sectors);
          for (size_t j = 0; j < i; j++) {
            EXPECT_TRUE(all[i].end <= all[j].start || all[j].end <= all[i].start)
                << copies << " " << block_size << " " << sectors << ": " << i << " " << j;
          }
        }
        EXPECT_EQ(l.slot_start % std::max(8u, block_size), 0u);
        EXPECT_GE(static_cast<u64>(l.slot_pages) * RM_SLOTS_PER_PAGE, l.slots);
        // one more does not fit
        rm_layout more = {};
        if (l.slots < RM_SLOTS_DEFAULT_MAX) {
          EXPECT_EQ(rm_layout_exact(&more, sectors, block_size, copies, pending, l.slots + 1),
                    -ENOSPC);
        }
      }
    }
  }
}

TEST(Layout, TooSmallIsRefused) {
  rm_layout l = {};
  for (u64 sectors : {0ull, 32ull, 64ull}) {
    EXPECT_EQ(rm_layout_most(&l, sectors, 8, 2, 2, 1000), -ENOSPC) << sectors;
  }
}

}  // namespace
