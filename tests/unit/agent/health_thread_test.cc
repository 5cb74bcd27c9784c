#include "agent/health_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/fakes/fake_world.h"

namespace remapfleet::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class Records final : public RecordSink {
 public:
  Status Append(std::vector<v1::Record> records) override {
    const std::lock_guard lock(mutex_);
    for (v1::Record& record : records) {
      if (record.has_health()) health_.push_back(std::move(*record.mutable_health()));
      if (record.has_latency()) latencies_.push_back(std::move(*record.mutable_latency()));
      if (record.has_inventory()) inventories_.push_back(std::move(*record.mutable_inventory()));
    }
    changed_.notify_all();
    return {};
  }
  // The first `count` records of a drive, once they are there.
  std::vector<v1::DriveHealth> Await(const std::string& id, std::size_t count) {
    std::unique_lock lock(mutex_);
    std::vector<v1::DriveHealth> found;
    changed_.wait(lock, [&] {
      found.clear();
      std::copy_if(health_.begin(), health_.end(), std::back_inserter(found),
                   [&](const auto& h) { return h.drive().drive_id() == id; });
      return found.size() >= count;
    });
    found.resize(count);
    return found;
  }

  // The drives of an inventory, the first being 0, once it is there.
  std::set<std::string> AwaitInventory(std::size_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inventories_.size() > number; });
    std::set<std::string> ids;
    for (const auto& drive : inventories_[number].drives()) ids.insert(drive.drive_id());
    return ids;
  }

  v1::DriveLatency AwaitLatency() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !latencies_.empty(); });
    return latencies_.front();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1::DriveHealth> health_;
  std::vector<v1::DriveInventory> inventories_;
  std::vector<v1::DriveLatency> latencies_;
};

class HealthThreadTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::hours kNever{1000};

  HealthThreadTest() { Plug({"sda", "sdb", "sdc"}); }
  void Plug(const std::vector<std::string>& names) {
    std::vector<Drive> drives;
    for (const std::string& name : names) {
      drives.push_back(MakeFakeDrive(name, static_cast<unsigned>(name[2] - 'a') * 16, name, 1000));
    }
    source_.Set(std::move(drives));
  }
  std::unique_ptr<HealthThread> Start(HealthTiming timing, std::vector<Drive> members = {}) {
    return std::make_unique<HealthThread>(table_, std::move(members), smart_, records_, state_,
                                          clock_, timing, heartbeats_, latency_);
  }
  std::vector<std::string> Shown() const {
    std::vector<std::string> ids;
    for (const auto& [id, drive] : state_.Drives()) ids.push_back(id);
    return ids;
  }
  static std::string Id(const std::string& name) { return "serial-FAKE-" + name; }

  FakeDrives source_;
  DriveTable table_{source_};
  std::shared_ptr<FakeSmart> smart_ = std::make_shared<FakeSmart>();
  Records records_;
  AgentState state_;
  FakeClock clock_;
  Heartbeats heartbeats_;
  FakeStats stats_;
  LatencyWatch latency_{stats_, [] { return std::map<std::string, TargetHistogram>(); }};
};

TEST_F(HealthThreadTest, ADriveThatDoesNotAnswerDelaysNoOther) {
  smart_->Hang("/dev/sda");
  smart_->Hang("/dev/sdb");
  // Fewer readers than drives that hang: they give up their places.
  const auto thread = Start({kNever, std::chrono::milliseconds(100), 1});
  EXPECT_EQ(records_.Await(Id("sdc"), 1)[0].power_on_hours(), 1000U);
  const auto silent = records_.Await(Id("sda"), 1)[0];
  EXPECT_FALSE(silent.has_power_on_hours());
  EXPECT_THAT(silent.problems(), ElementsAre(HasSubstr("has not answered")));
  EXPECT_EQ(state_.Drives().at(Id("sda")).health_time, TimePoint{});
  // What it says in the end is taken.
  smart_->Release("/dev/sda");
  EXPECT_EQ(records_.Await(Id("sda"), 2)[1].power_on_hours(), 1000U);
  smart_->Release("/dev/sdb");
}

TEST_F(HealthThreadTest, ADriveThatHangsIsNotAskedAgainAndNotForgotten) {
  smart_->Hang("/dev/sda");
  const auto thread = Start({std::chrono::milliseconds(50), std::chrono::milliseconds(20), 2});
  const auto silent = records_.Await(Id("sda"), 3);
  EXPECT_THAT(silent[2].problems(), ElementsAre(HasSubstr("has not answered since")));
  smart_->AwaitReads("/dev/sdc", 5);
  EXPECT_EQ(smart_->reads("/dev/sda"), 1U);
  smart_->Release("/dev/sda");
}

TEST_F(HealthThreadTest, AStopDoesNotWaitForADriveThatHangs) {
  smart_->Hang("/dev/sda");
  auto thread = Start({kNever, std::chrono::milliseconds(20), 4});
  records_.Await(Id("sda"), 1);
  thread.reset();
  smart_->Release("/dev/sda");
}

TEST_F(HealthThreadTest, ADriveThatComesIsReadAtOnceAndOneThatGoesIsNotShown) {
  const auto thread = Start({kNever, std::chrono::seconds(30), 4});
  for (const char* name : {"sda", "sdb", "sdc"}) records_.Await(Id(name), 1);
  EXPECT_THAT(Shown(), UnorderedElementsAre(Id("sda"), Id("sdb"), Id("sdc")));
  EXPECT_THAT(records_.AwaitInventory(0), UnorderedElementsAre(Id("sda"), Id("sdb"), Id("sdc")));
  Plug({"sda", "sdb", "sdd"});
  thread->Look();
  EXPECT_EQ(records_.Await(Id("sdd"), 1)[0].power_on_hours(), 1000U);
  EXPECT_THAT(Shown(), UnorderedElementsAre(Id("sda"), Id("sdb"), Id("sdd")));
  EXPECT_THAT(records_.AwaitInventory(1), UnorderedElementsAre(Id("sda"), Id("sdb"), Id("sdd")));
}

TEST_F(HealthThreadTest, TellsHowLongADriveTookForItsReads) {
  stats_.Set("/dev/sdb", {{}, true});
  stats_.KeepReading(10);
  const auto thread = Start({std::chrono::milliseconds(50), std::chrono::seconds(30), 4});
  const v1::DriveLatency latency = records_.AwaitLatency();
  EXPECT_EQ(latency.drive_id(), Id("sdb"));
  EXPECT_EQ(latency.reads(), 10U);
  EXPECT_EQ(latency.mean_read().nanos(), 2'000'000);
  EXPECT_FALSE(latency.has_peers());
}

TEST_F(HealthThreadTest, AMemberThatDoesNotAnswerIsWhoItWas) {
  Plug({});
  const Drive member = MakeMember("/dev/bus/0", "megaraid,4");
  v1::DriveIdentity self = member.identity;
  self.set_drive_id("serial-M-1");
  smart_->SetIdentity(member.identity.path(), self);
  const auto thread =
      Start({std::chrono::milliseconds(100), std::chrono::milliseconds(50), 4}, {member});
  EXPECT_EQ(records_.Await("serial-M-1", 1)[0].power_on_hours(), 1000U);
  EXPECT_THAT(records_.AwaitInventory(0), UnorderedElementsAre("serial-M-1"));
  smart_->Hang(member.identity.path());
  for (std::size_t count = 2;; ++count) {
    if (!records_.Await("serial-M-1", count).back().has_power_on_hours()) break;
  }
  smart_->Release(member.identity.path());
}

}  // namespace
}  // namespace remapfleet::agent
