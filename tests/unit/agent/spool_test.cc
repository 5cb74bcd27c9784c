#include "agent/link/spool.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/ids.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;

v1::Record Telemetry(const std::string& text) {
  v1::Record record;
  record.mutable_gap()->set_reason(text);
  return record;
}

v1::Record OutcomeRecord(std::uint64_t generation) {
  v1::Record record;
  record.mutable_outcome()->set_kind("remap/data0");
  record.mutable_outcome()->set_generation(generation);
  return record;
}

class SpoolTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = testing::TempDir() + "spool-" + NewUuid(); }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<Spool> Open(std::uint64_t max_bytes = 1 << 20) {
    auto spool = Spool::Open(*files_, folder_, boot_, max_bytes);
    EXPECT_TRUE(spool) << spool.error().message();
    return std::move(*spool);
  }
  // Everything there is, as (seq, reason or "outcome").
  static std::vector<std::pair<std::uint64_t, std::string>> All(Spool& spool) {
    std::vector<std::pair<std::uint64_t, std::string>> all;
    Spool::Cursor cursor = 0;
    for (;;) {
      auto chunk = spool.Next(cursor, 100, 1 << 20);
      EXPECT_TRUE(chunk) << chunk.error().message();
      if (!chunk || !*chunk) return all;
      std::uint64_t seq = (*chunk)->batch.first_seq();
      for (const auto& record : (*chunk)->batch.records()) {
        all.emplace_back(seq++, record.has_outcome() ? "outcome" : record.gap().reason());
      }
      cursor = (*chunk)->end;
    }
  }

  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
  std::string folder_;
  std::string boot_ = NewUuid();
};

TEST_F(SpoolTest, WhatWasAppendedSurvivesAndNumbersGoOn) {
  ASSERT_TRUE(Open()->Append({Telemetry("a"), OutcomeRecord(1)}));
  auto spool = Open();
  ASSERT_TRUE(spool->Append({Telemetry("b")}));
  EXPECT_EQ(All(*spool), (std::vector<std::pair<std::uint64_t, std::string>>{
                             {1, "a"}, {2, "outcome"}, {3, "b"}}));
}

TEST_F(SpoolTest, AcknowledgedIsGoneAndItsNumbersAreNeverUsedAgain) {
  {
    auto spool = Open();
    ASSERT_TRUE(spool->Append({Telemetry("a"), Telemetry("b"), Telemetry("c")}));
    spool->Ack(boot_, 2);
    EXPECT_EQ(All(*spool).size(), 1U);
    spool->Ack(boot_, 3);
    EXPECT_TRUE(All(*spool).empty());
  }
  auto spool = Open();
  EXPECT_TRUE(All(*spool).empty());
  ASSERT_TRUE(spool->Append({Telemetry("d")}));
  EXPECT_EQ(All(*spool).at(0).first, 4U);
}

TEST_F(SpoolTest, AnEarlierBootIsSentUnderItsOwnName) {
  ASSERT_TRUE(Open()->Append({Telemetry("old")}));
  const std::string old_boot = boot_;
  boot_ = NewUuid();
  auto spool = Open();
  ASSERT_TRUE(spool->Append({Telemetry("new")}));
  const auto first = spool->Next(0, 100, 1 << 20);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->batch.boot_id(), old_boot);
  EXPECT_EQ((*first)->batch.records_size(), 1);
  const auto second = spool->Next((*first)->end, 100, 1 << 20);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->batch.boot_id(), boot_);
  EXPECT_EQ((*second)->batch.first_seq(), 1U);
}

// Power fails while the last append is being written: whatever the cut, what was appended before is
// whole, and nothing is made up.
TEST_F(SpoolTest, ATailTornAnywhereLosesOnlyItself) {
  ASSERT_TRUE(Open()->Append({Telemetry("first")}));
  fs::path segment;
  std::uint64_t before = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() == ".seg" && entry.file_size() > before) {
      segment = entry.path();
      before = entry.file_size();
    }
  }
  ASSERT_TRUE(Open()->Append({Telemetry("second")}));
  const std::string saved = folder_ + "-saved";
  fs::copy(folder_, saved, fs::copy_options::recursive);
  fs::path torn;
  std::uint64_t base = 0;
  for (const auto& entry : fs::directory_iterator(saved)) {
    // Either the first segment has grown, or a new one holds the second record.
    const bool same = entry.path().filename() == segment.filename();
    if (entry.path().extension() == segment.extension() && (!same || entry.file_size() > before) &&
        (torn.empty() || entry.path().filename() > torn.filename())) {
      torn = entry.path();
      base = same ? before : 0;
    }
  }
  ASSERT_FALSE(torn.empty());
  const std::uint64_t whole = fs::file_size(torn);
  for (std::uint64_t size = base; size < whole; ++size) {
    fs::remove_all(folder_);
    fs::copy(saved, folder_, fs::copy_options::recursive);
    fs::resize_file(fs::path(folder_) / torn.filename(), size);
    auto spool = Open();
    const auto all = All(*spool);
    ASSERT_EQ(all.size(), 1U) << size;
    EXPECT_EQ(all[0].second, "first");
    ASSERT_TRUE(spool->Append({Telemetry("third")}));
    EXPECT_EQ(All(*spool).back().second, "third");
    EXPECT_GT(All(*spool).back().first, 1U);
  }
  fs::remove_all(saved);
}

TEST_F(SpoolTest, FullItDropsTheOldestTelemetryAndNoOutcome) {
  auto spool = Open(64 << 10);
  ASSERT_TRUE(spool->Append({OutcomeRecord(7)}));
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(spool->Append({Telemetry(std::string(1000, 'x'))}));
  EXPECT_LE(spool->stats().bytes, 96U << 10);
  EXPECT_GT(spool->stats().dropped, 0U);
  const auto all = All(*spool);
  EXPECT_EQ(
      std::count_if(all.begin(), all.end(), [](const auto& r) { return r.second == "outcome"; }),
      1);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const auto& r) {
    return r.second.size() != 1000 && r.second != "outcome";
  }));
}

}  // namespace
}  // namespace remapfleet::agent
