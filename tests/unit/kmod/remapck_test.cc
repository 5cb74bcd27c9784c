// remapck on images of spares, whole and damaged.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "format.h"

namespace {

constexpr std::uint64_t kSectors = 2048;

struct Outcome {
  int status;
  std::string out;
};

Outcome Remapck(const std::string& arguments) {
  FILE* pipe = popen((std::string(REMAPCK) + " " + arguments + " 2>&1").c_str(), "r");
  std::string out;
  char buf[4096];
  for (std::size_t n; (n = fread(buf, 1, sizeof(buf), pipe)) > 0;) out.append(buf, n);
  const int status = pclose(pipe);
  return {WEXITSTATUS(status), out};
}

// A spare of 40 slots, slot 3 holding block 17, as the target formats it.
class RemapckTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "remapck_" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    super_.spare_uuid[0] = 7;
    super_.gen = 5;
    super_.set.n = 1;
    super_.target_sectors = super_.main_sectors = 8000;
    super_.main_lbs = super_.main_pbs = 512;
    super_.block_size = 8;
    super_.copies = 2;
    super_.mirror_mask = 3;
    super_.pending_pages = 2;
    super_.slots = 40;
    super_.sectors = kSectors;
    WriteArea();
    Save();
  }
  void TearDown() override { std::remove(path_.c_str()); }

  void WriteArea() {
    ASSERT_EQ(rm_layout_exact(&layout_, kSectors, 8, 2, 2, 40), 0);
    for (unsigned mirror = 0; mirror < 2; mirror++)
      for (unsigned page = 0; page < 3; page++)
        for (unsigned copy = 0; copy < 2; copy++) WritePage(mirror, page, copy);
    std::vector<unsigned char> sb(RM_SB_BYTES);
    rm_super_encode(&super_, sb.data());
    for (unsigned end = 0; end < 2; end++)
      for (unsigned copy = 0; copy < 2; copy++)
        std::memcpy(At(rm_layout_super(&layout_, end, copy)), sb.data(), sb.size());
  }
  // As long again behind it: blocks 17 in the first area, 18 in the other.
  void Grow() {
    super_.set = {};
    super_.set.gen = 2;
    super_.set.n = 2;
    super_.set.area[0] = {7, kSectors, 0, 0};
    super_.set.area[1] = {8, kSectors, 0, 0};
    WriteArea();
    const rm_super first = super_;
    base_ = kSectors;
    image_.resize(2 * kSectors * 512);
    super_.spare_uuid[0] = 8;
    super_.index = 1;
    block_ = 18;
    WriteArea();
    super_ = first;
    base_ = 0;
    Save();
  }

  void WritePage(unsigned mirror, unsigned page, unsigned copy) {
    std::vector<unsigned char> image(RM_PAGE_BYTES);
    rm_slot_record rec{};
    rec.block = block_;
    rec.mask = 0xff;
    rec.seq = 1;
    rec.state = RM_SLOT_USED;
    if (page == 0) rm_slot_set(image.data(), 3, &rec);
    const rm_page_header h = {super_.spare_uuid, page, 2 - std::uint64_t{copy},
                              page == 0 ? RM_PAGE_SLOTS : RM_PAGE_PENDING};
    rm_page_seal(image.data(), &h);
    std::memcpy(At(rm_layout_page(&layout_, mirror, page, copy)), image.data(), image.size());
  }
  unsigned char* At(std::uint64_t sector) { return image_.data() + (base_ + sector) * 512; }
  void Damage(std::uint64_t sector) { std::memset(At(sector) + 100, 0x5a, 50); }
  void Save() {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<char*>(image_.data()), static_cast<std::streamsize>(image_.size()));
  }
  std::vector<unsigned char> Load() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string path_;
  std::uint64_t base_ = 0, block_ = 17;
  rm_super super_{};
  rm_layout layout_{};
  std::vector<unsigned char> image_ = std::vector<unsigned char>(kSectors * 512);
};

TEST_F(RemapckTest, AWholeSpareIsInOrder) {
  const Outcome run = Remapck(path_);
  EXPECT_EQ(run.status, 0) << run.out;
  EXPECT_NE(run.out.find("in order"), std::string::npos);
  EXPECT_EQ(Load(), image_);
}

// One mirror is left, and a copy of a page in it is torn.
TEST_F(RemapckTest, WhatWasBeingWrittenToTheLastMirrorDoesNotCount) {
  super_.mirror_mask = 2;
  super_.writing = rm_page_writing(0, 0);
  WriteArea();
  Damage(rm_layout_page(&layout_, 1, 0, 0));
  Save();
  const Outcome found = Remapck(path_);
  EXPECT_EQ(found.status, 4) << found.out;
  EXPECT_NE(found.out.find("page 0 copy A was being written"), std::string::npos) << found.out;
  EXPECT_EQ(Load(), image_);
  const Outcome repaired = Remapck("--repair " + path_);
  EXPECT_EQ(repaired.status, 1) << repaired.out;
  std::memcpy(At(rm_layout_page(&layout_, 1, 0, 0)), At(rm_layout_page(&layout_, 1, 0, 1)),
              RM_PAGE_BYTES);
  EXPECT_EQ(Load(), image_);
  EXPECT_EQ(Remapck(path_).status, 0);
}

// What was acknowledged last may have been there.
TEST_F(RemapckTest, AnotherCopyDamagedInTheLastMirrorIsNotMended) {
  super_.mirror_mask = 2;
  super_.writing = rm_page_writing(0, 0);
  WriteArea();
  Damage(rm_layout_page(&layout_, 1, 0, 1));
  Save();
  const Outcome run = Remapck("--repair " + path_);
  EXPECT_EQ(run.status, 4) << run.out;
  EXPECT_NE(run.out.find("page 0: a copy is damaged in every mirror"), std::string::npos)
      << run.out;
  EXPECT_EQ(Load(), image_);
}

TEST_F(RemapckTest, ADamagedMirrorIsFoundAndNothingIsWritten) {
  Damage(rm_layout_page(&layout_, 1, 0, 0));
  Save();
  const Outcome run = Remapck(path_);
  EXPECT_EQ(run.status, 4) << run.out;
  EXPECT_NE(run.out.find("page 0 copy A in mirror 1 is damaged"), std::string::npos) << run.out;
  EXPECT_EQ(Load(), image_);
}

TEST_F(RemapckTest, RepairMakesMirrorsAndSuperblocksWholeAgain) {
  const std::vector<unsigned char> whole = image_;
  Damage(rm_layout_page(&layout_, 1, 0, 0));
  Damage(rm_layout_page(&layout_, 0, 2, 1));
  Damage(rm_layout_super(&layout_, 0, 0));
  std::memset(At(rm_layout_super(&layout_, 1, 0)), 0, 16 * 512);
  Save();
  EXPECT_EQ(Remapck("--repair " + path_).status, 1);
  EXPECT_EQ(Load(), whole);
  EXPECT_EQ(Remapck(path_).status, 0);
}

TEST_F(RemapckTest, ACopyDamagedInEveryMirrorIsNotTouched) {
  Damage(rm_layout_page(&layout_, 0, 0, 1));
  Damage(rm_layout_page(&layout_, 1, 0, 1));
  Damage(rm_layout_page(&layout_, 1, 1, 0));
  Save();
  EXPECT_EQ(Remapck("--repair " + path_).status, 4);
  EXPECT_EQ(Load(), image_);
}

TEST_F(RemapckTest, WhatIsNoSpareIsRefused) {
  std::fill(image_.begin(), image_.end(), 0);
  Save();
  EXPECT_EQ(Remapck("--repair " + path_).status, 8);
  EXPECT_EQ(Load(), image_);
  EXPECT_EQ(Remapck("/does/not/exist").status, 8);
  EXPECT_EQ(Remapck("--dump " + path_).status, 16);
  EXPECT_EQ(Remapck("--offset -1 " + path_).status, 16);
}

TEST_F(RemapckTest, DumpsSlotsAsJson) {
  const Outcome run = Remapck("--dump --json " + path_);
  EXPECT_EQ(run.status, 0);
  EXPECT_NE(run.out.find("\"slot\": 3, \"state\": \"used\", \"block\": 17, \"valid\": \"0xff\""),
            std::string::npos)
      << run.out;
}

TEST_F(RemapckTest, FindsTheAreaByOffsetAndItsOwnLength) {
  // not inserted behind what is there: g++ 12 takes that for an overrun
  std::vector<unsigned char> disk(8 * 512 + image_.size(), 0x11);
  std::copy(image_.begin(), image_.end(), disk.begin() + 8 * 512);
  disk.insert(disk.end(), 64 * 512, 0x22);
  image_ = disk;
  Save();
  EXPECT_EQ(Remapck("--offset 8 " + path_).status, 0);
  EXPECT_EQ(Remapck("--offset 8 --length 2048 " + path_).status, 0);
  EXPECT_EQ(Remapck("--offset 8 --length 100000 " + path_).status, 8);
}

TEST_F(RemapckTest, ChecksDumpsAndRepairsWhatASpareGrewBy) {
  Grow();
  const std::vector<unsigned char> whole = image_;
  EXPECT_EQ(Remapck(path_).status, 0);
  EXPECT_NE(Remapck(path_).out.find("80 slots"), std::string::npos);
  const std::string dump = Remapck("--dump --json " + path_).out;
  EXPECT_NE(dump.find("\"block\": 17,"), std::string::npos) << dump;
  EXPECT_NE(dump.find("\"block\": 18,"), std::string::npos) << dump;

  // the second area's mirror, and the first one's start: the end of all names it
  base_ = kSectors;
  Damage(rm_layout_page(&layout_, 1, 0, 0));
  base_ = 0;
  std::memset(At(0), 0, 16 * 512);
  Save();
  EXPECT_EQ(Remapck(path_).status, 4);
  EXPECT_EQ(Remapck("--repair " + path_).status, 1);
  EXPECT_EQ(Load(), whole);
}

TEST_F(RemapckTest, AnotherAreaWhereTheSpareGrewIsFatal) {
  Grow();
  super_.set.area[1].id = 9;
  WriteArea();
  Save();
  EXPECT_EQ(Remapck(path_).status, 4);
  EXPECT_NE(Remapck(path_).out.find("not the area that the spare's list has there"),
            std::string::npos);
}

TEST_F(RemapckTest, ARecordOfABlockThatDoesNotExistIsFatal) {
  super_.target_sectors = 80;
  std::vector<unsigned char> sb(RM_SB_BYTES);
  rm_super_encode(&super_, sb.data());
  for (unsigned end = 0; end < 2; end++)
    for (unsigned copy = 0; copy < 2; copy++)
      std::memcpy(At(rm_layout_super(&layout_, end, copy)), sb.data(), sb.size());
  Save();
  const Outcome run = Remapck(path_);
  EXPECT_EQ(run.status, 4);
  EXPECT_NE(run.out.find("slot 3 holds block 17, which does not exist"), std::string::npos)
      << run.out;
}

}  // namespace
