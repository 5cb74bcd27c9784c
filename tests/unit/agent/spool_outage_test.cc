// What the spool does while things are away for long: the controller, room on the disk, the disk.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <thread>

#include "agent/disks/sent_logs.h"
#include "agent/link/session.h"
#include "support/ids.h"
#include "tests/fakes/fake_controller.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_world.h"
#include "tests/unit/agent/spool_model.h"
#include "tests/unit/agent/typical_drive.h"

namespace remapfleet::agent {
namespace {

class SpoolOutageTest : public testing::Test {
 protected:
  void Open(std::uint64_t max_bytes) {
    spool_.reset();
    auto spool = Spool::Open(files_, "/s", boot_, max_bytes);
    ASSERT_TRUE(spool) << spool.error().message();
    spool_ = std::move(*spool);
  }
  // A stream until `done` holds of what the controller has.
  bool StreamUntil(const std::function<bool(const std::vector<v1::Record>&)>& done) {
    std::jthread session([this](std::stop_token stop) {
      v1::Hello hello;
      hello.set_boot_id(boot_);
      Session one(
          *spool_, [](const v1::Desired&) { return true; }, [](auto) {});
      auto stream = controller_.Connect(0);
      one.Run(**stream, hello, stop);
    });
    return controller_.Await(done);
  }

  FakeFileSystem files_;
  FakeController controller_;
  FakeClock clock_;
  std::string boot_ = NewUuid();
  std::unique_ptr<Spool> spool_;
};

// 36 drives, whose health is read every five minutes, and errors and outcomes now and then. The
// stream has broken while records were on their way, and the agent is started anew in the middle.
TEST_F(SpoolOutageTest, ThreeDaysWithoutAControllerAreKeptAsFarAsThereIsRoom) {
  constexpr std::uint64_t kMaxBytes = 8 << 20;
  constexpr unsigned kDrives = 36;
  constexpr unsigned kMinutes = 72 * 60;
  Open(kMaxBytes);
  SentLogs logs;
  std::uint64_t made = 0;
  std::vector<std::uint64_t> outcomes;
  std::vector<std::string> inventories;
  const auto append = [&](v1::Record record) {
    *record.mutable_time() = ToProto(clock_.Now());
    ASSERT_TRUE(spool_->Append({std::move(record)}));
    ++made;
    const SpoolStats stats = spool_->stats();
    ASSERT_LE(stats.bytes, kMaxBytes);
    ASSERT_LE(stats.memory, kMaxBytes / 8);
  };
  const auto live_five_minutes = [&](unsigned minute) {
    for (unsigned drive = 0; drive < kDrives; ++drive) {
      v1::Record record;
      *record.mutable_health() = TypicalHealth(drive, minute);
      logs.LeaveOut(*record.mutable_health(), clock_.Now());
      append(std::move(record));
    }
    if (minute % 35 == 0) append(TelemetryNumber(minute));
    if (minute % 120 == 0) {
      append(OutcomeNumber(minute + 1));
      outcomes.push_back(minute + 1);
    }
    if (minute % 480 == 0) {
      v1::Record record;
      record.mutable_inventory()->add_drives()->set_drive_id(std::to_string(minute));
      append(std::move(record));
      inventories.push_back(std::to_string(minute));
    }
    // Beside the records, the state and what is kept free for it.
    ASSERT_LE(files_.Used("/s"), kMaxBytes + (10 << 10));
    clock_.Advance(std::chrono::minutes(5));
  };
  live_five_minutes(0);
  controller_.SetAcks(false);
  ASSERT_TRUE(StreamUntil([](const auto& records) { return records.size() >= 20; }));
  const std::size_t arrived = controller_.records().size();
  for (unsigned minute = 5; minute < kMinutes; minute += 5) {
    live_five_minutes(minute);
    if (minute == kMinutes / 2) Open(kMaxBytes);
  }
  const SpoolStats stats = spool_->stats();
  EXPECT_GT(stats.bytes, kMaxBytes * 3 / 4);
  RecordProperty("bytes", std::to_string(stats.bytes));
  RecordProperty("index_bytes", std::to_string(stats.memory));

  controller_.SetAcks(true);
  ASSERT_TRUE(StreamUntil([&](const auto& records) {
    return records.size() >= arrived + stats.records || spool_->stats().records == 0;
  }));
  std::uint64_t lost = 0;
  std::uint64_t whole = 0;
  std::vector<std::uint64_t> came;
  google::protobuf::Timestamp last;
  for (const v1::Record& record : controller_.records()) {
    EXPECT_GE(FromProto(record.time()), FromProto(last));
    last = record.time();
    if (record.has_gap()) {
      lost += record.gap().lost_records();
      continue;
    }
    ++whole;
    if (record.has_outcome()) came.push_back(record.outcome().generation());
  }
  EXPECT_GT(lost, 10'000U);
  EXPECT_EQ(whole + lost, made);
  EXPECT_EQ(came, outcomes);
  const auto records = controller_.records();
  const auto newest = std::find_if(records.rbegin(), records.rend(),
                                   [](const v1::Record& record) { return record.has_inventory(); });
  ASSERT_NE(newest, records.rend());
  EXPECT_EQ(newest->inventory().drives(0).drive_id(), inventories.back());
  // The oldest went: all of the last half day is there.
  const auto half_day_ago = clock_.Now() - std::chrono::hours(12);
  const auto of_late = std::count_if(records.begin(), records.end(), [&](const auto& record) {
    return record.has_health() && FromProto(record.time()) >= half_day_ago;
  });
  EXPECT_EQ(of_late, 12 * 12 * kDrives);
}

TEST_F(SpoolOutageTest, SmallRecordsDoNotFillTheMemory) {
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  Open(kMaxBytes);
  v1::Record small;
  small.mutable_weak_block()->set_failed_reads(1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(spool_->Append(std::vector<v1::Record>(100, small)));
    ASSERT_LE(spool_->stats().memory, kMaxBytes / 8);
  }
  EXPECT_LT(spool_->stats().bytes, kMaxBytes / 2);
  Committed controller;
  controller.Stream(*spool_, 100'000);
  EXPECT_EQ(spool_->stats().records, 0U);
  EXPECT_EQ(controller.lost() + controller.others(), 10'000U);
}

TEST_F(SpoolOutageTest, AFullDiskCostsOnlyWhatComesMeanwhile) {
  Open(1 << 20);
  Committed controller;
  ASSERT_TRUE(spool_->Append({OutcomeNumber(1), TelemetryNumber(2)}));
  files_.SetCapacity(files_.Used("/s") + 100);
  EXPECT_FALSE(spool_->Append({TelemetryNumber(3), TelemetryNumber(4), OutcomeNumber(5)}));
  EXPECT_FALSE(spool_->Append({TelemetryNumber(6)}));
  EXPECT_TRUE(spool_->stats().failing);
  files_.SetCapacity(1 << 20);
  ASSERT_TRUE(spool_->Append({OutcomeNumber(5)}));
  EXPECT_FALSE(spool_->stats().failing);
  Open(1 << 20);
  controller.Stream(*spool_, 100);
  EXPECT_EQ(controller.ids(), (std::vector<std::uint64_t>{1, 2, 5}));
  EXPECT_EQ(controller.lost(), 3U);
}

// It filled the disk itself: what the controller takes makes room, though not a byte more can be
// written before.
TEST_F(SpoolOutageTest, AFullDiskIsEmptiedByTheController) {
  for (const bool old_boot : {false, true}) {
    SCOPED_TRACE(old_boot);
    files_.SetCapacity(1 << 20);
    boot_ = NewUuid();
    Open(64 << 10);
    Committed controller;
    std::uint64_t id = 1;
    for (; id <= 200; ++id) ASSERT_TRUE(spool_->Append({TelemetryNumber(id)}));
    files_.SetCapacity(files_.Used("/s"));
    if (old_boot) boot_ = NewUuid();
    Open(64 << 10);
    ASSERT_FALSE(spool_->Append({TelemetryNumber(id)}));
    controller.Stream(*spool_, 1000);
    EXPECT_TRUE(spool_->Append({TelemetryNumber(++id)}));
    Open(64 << 10);
    controller.Stream(*spool_, 1000);
    // One was refused, and its gap counts it unless the agent was started anew before.
    EXPECT_EQ(controller.ids().size() + controller.lost(), 201U + 1);
    EXPECT_EQ(std::set(controller.ids().begin(), controller.ids().end()).size(),
              controller.ids().size());
    EXPECT_EQ(controller.ids().back(), id);
    EXPECT_LT(files_.Used("/s"), 20U << 10);
  }
}

// The drive that the spool is on has a bad sector of its own.
TEST_F(SpoolOutageTest, ASectorThatCannotBeReadHoldsUpNothingElse) {
  Open(1 << 20);
  for (std::uint64_t id = 1; id <= 9; ++id) ASSERT_TRUE(spool_->Append({OutcomeNumber(id)}));
  const std::string path = "/s/" + files_.List("/s")->front();
  files_.Break(path, files_.Read(path)->size() / 2);
  Committed controller;
  controller.Stream(*spool_, 100);
  EXPECT_EQ(controller.ids(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(spool_->stats().records, 5U) << "it may be readable at the next try";
  for (int stream = 0; stream < 10; ++stream) controller.Stream(*spool_, 100);
  EXPECT_EQ(controller.ids(), (std::vector<std::uint64_t>{1, 2, 3, 4, 6, 7, 8, 9}));
  EXPECT_EQ(controller.lost(), 1U);
}

TEST_F(SpoolOutageTest, AFileThatCannotBeReadIsSetAsideAndItsNumbersAreNotGivenAgain) {
  Open(1 << 20);
  Committed controller;
  ASSERT_TRUE(spool_->Append({OutcomeNumber(1)}));
  controller.Stream(*spool_, 1, false);
  // After the state was stored, and so only the file knows of them.
  for (std::uint64_t id = 2; id <= 9; ++id) ASSERT_TRUE(spool_->Append({OutcomeNumber(id)}));
  controller.Stream(*spool_, 100, false);
  const std::string path = "/s/" + files_.List("/s")->front();
  files_.Break(path, files_.Read(path)->size() / 2);
  Open(1 << 20);
  EXPECT_TRUE(files_.ReadAt(path + ".damaged", 0, 8));
  for (std::uint64_t id = 11; id <= 19; ++id) ASSERT_TRUE(spool_->Append({OutcomeNumber(id)}));
  controller.Stream(*spool_, 100);
  for (std::uint64_t id = 11; id <= 19; ++id) EXPECT_TRUE(controller.Has(id)) << id;
}

}  // namespace
}  // namespace remapfleet::agent
