#include "agent/self_test_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/fakes/fake_world.h"

namespace remapfleet::agent {
namespace {

using ::testing::ElementsAre;

// Records what it is told, and what is ordered.
class World final : public RecordSink, public SelfTestStarter {
 public:
  Status Append(std::vector<v1::Record> records) override {
    const std::lock_guard lock(mutex_);
    for (v1::Record& record : records) errors_.push_back(std::move(*record.mutable_io_error()));
    changed_.notify_all();
    return {};
  }
  Status Start(const Drive& drive, SelfTestKind) override {
    std::unique_lock lock(mutex_);
    orders_.push_back(drive.identity.path());
    changed_.notify_all();
    changed_.wait(lock, [&] { return drive.identity.path() != hanging_; });
    if (drive.identity.path() == refusing_) return Fail(Code::kUnavailable, "no");
    return {};
  }
  void AwaitOrders(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return orders_.size() >= count; });
  }
  std::vector<std::string> orders() {
    const std::lock_guard lock(mutex_);
    return orders_;
  }
  v1::IoError AwaitError() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !errors_.empty(); });
    return errors_[0];
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    hanging_.clear();
    changed_.notify_all();
  }
  void Hang(const std::string& path) { hanging_ = path; }     // before the start
  void Refuse(const std::string& path) { refusing_ = path; }  // the same

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> orders_;
  std::vector<v1::IoError> errors_;
  std::string hanging_;
  std::string refusing_;
};

class SelfTestThreadTest : public ::testing::Test {
 protected:
  std::unique_ptr<SelfTestThread> Start(unsigned at_once) {
    SelfTestPlan plan;
    plan.enabled = true;
    plan.short_interval = std::chrono::days(1);  // each drive has had its turn today
    plan.extended_interval = std::chrono::days(0);
    plan.max_per_host = at_once;
    plan.max_per_enclosure = at_once;
    return std::make_unique<SelfTestThread>(
        plan, world_, [](const Drive&) { return std::string("e"); }, *world_, clock_, heartbeats_,
        nullptr);
  }
  static Drive Disk(const std::string& name) {
    Drive drive = MakeFakeDrive(name, static_cast<unsigned>(name[2] - 'a') * 16, name, 1000);
    drive.access = SmartAccess::kAta;
    return drive;
  }
  static v1::DriveHealth Health(const Drive& drive, std::uint64_t hours) {
    v1::DriveHealth health;
    *health.mutable_drive() = drive.identity;
    health.set_power_on_hours(hours);
    return health;
  }

  std::shared_ptr<World> world_ = std::make_shared<World>();
  FakeClock clock_;
  Heartbeats heartbeats_;
};

TEST_F(SelfTestThreadTest, ABadPlaceThatItsTestFoundIsReported) {
  const auto thread = Start(1);
  const Drive drive = Disk("sda");
  thread->Take(drive, Health(drive, 1000));
  world_->AwaitOrders(1);
  clock_.Advance(std::chrono::hours(2));
  v1::DriveHealth health = Health(drive, 1002);
  v1::SelfTest& old = *health.add_self_tests();
  old.set_kind(v1::SelfTest::KIND_SHORT);
  old.set_result(v1::SelfTest::RESULT_READ_FAILURE);
  old.set_power_on_hours(900);
  old.mutable_first_error()->set_first_sector(7);
  v1::SelfTest& test = *health.add_self_tests();
  test = old;
  test.set_power_on_hours(1001);
  test.mutable_first_error()->set_first_sector(800);
  test.mutable_first_error()->set_sector_count(8);
  thread->Take(drive, health);
  const v1::IoError error = world_->AwaitError();
  EXPECT_EQ(error.drive_id(), drive.identity.drive_id());
  EXPECT_EQ(error.range().first_sector(), 800U);
  EXPECT_EQ(error.operation(), v1::IoError::OPERATION_READ);
  EXPECT_TRUE(error.provoked());
}

TEST_F(SelfTestThreadTest, ADriveThatHangsDelaysNoOtherAndTakesUpItsCap) {
  world_->Hang("/dev/sda");
  auto thread = Start(2);
  thread->Take(Disk("sda"), Health(Disk("sda"), 1));
  world_->AwaitOrders(1);
  thread->Take(Disk("sdb"), Health(Disk("sdb"), 1));
  world_->AwaitOrders(2);
  thread->Take(Disk("sdc"), Health(Disk("sdc"), 1));
  thread.reset();  // does not wait for it
  EXPECT_THAT(world_->orders(), ElementsAre("/dev/sda", "/dev/sdb"));
  world_->Release();
}

TEST_F(SelfTestThreadTest, OneThatRefusesMakesRoomForTheNextAndIsLeftAlone) {
  world_->Refuse("/dev/sda");
  const auto thread = Start(1);
  thread->Take(Disk("sda"), Health(Disk("sda"), 1));
  world_->AwaitOrders(1);
  thread->Take(Disk("sdb"), Health(Disk("sdb"), 1));
  world_->AwaitOrders(2);
  EXPECT_THAT(world_->orders(), ElementsAre("/dev/sda", "/dev/sdb"));
  EXPECT_EQ(thread->refused(), 1U);
}

}  // namespace
}  // namespace remapfleet::agent
