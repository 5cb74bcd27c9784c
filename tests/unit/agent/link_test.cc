#include "agent/link/link.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <semaphore>

#include "support/ids.h"
#include "tests/fakes/fake_controller.h"
#include "tests/fakes/fake_files.h"
#include "tests/unit/agent/spool_model.h"

namespace remapfleet::agent {
namespace {

// Two controllers, each of which may be down.
class TwoControllers final : public ControllerPort {
 public:
  const std::vector<std::string>& addresses() const override { return addresses_; }
  Result<std::unique_ptr<ControllerStream>> Connect(std::size_t address) override {
    if (down.at(address)) return Fail(Code::kUnavailable, addresses_[address] + " is down");
    return controllers.at(address).Connect(0);
  }

  std::array<FakeController, 2> controllers;
  std::array<std::atomic<bool>, 2> down{};

 private:
  const std::vector<std::string> addresses_{"first", "second"};
};

class LinkTest : public testing::Test {
 protected:
  LinkTest() { spool_ = std::move(*Spool::Open(files_, "/s", boot_, 1 << 20)); }
  void Start() {
    link_ = std::make_unique<Link>(
        port_, *spool_,
        [this] {
          v1::Hello hello;
          hello.set_boot_id(boot_);
          return hello;
        },
        [](const v1::Desired&) { return true; }, [this] { connected_.release(); });
  }
  static bool Got(FakeController& controller, std::size_t count) {
    return controller.Await([&](const auto& records) { return records.size() == count; });
  }

  const std::string boot_ = NewUuid();
  FakeFileSystem files_;
  TwoControllers port_;
  std::unique_ptr<Spool> spool_;
  std::counting_semaphore<> connected_{0};
  std::unique_ptr<Link> link_;
};

TEST_F(LinkTest, TheFirstIsPreferred) {
  ASSERT_TRUE(spool_->Append({OutcomeNumber(1)}));
  Start();
  EXPECT_TRUE(Got(port_.controllers[0], 1));
  EXPECT_TRUE(port_.controllers[1].hellos().empty());
}

TEST_F(LinkTest, WhereOneCannotBeReachedTheNextOneGetsAll) {
  port_.down[0] = true;
  ASSERT_TRUE(spool_->Append({OutcomeNumber(1)}));
  Start();
  EXPECT_TRUE(Got(port_.controllers[1], 1));
  // And stays where it is.
  port_.down[0] = false;
  ASSERT_TRUE(spool_->Append({OutcomeNumber(2)}));
  EXPECT_TRUE(Got(port_.controllers[1], 2));
  EXPECT_TRUE(port_.controllers[0].hellos().empty());
}

TEST_F(LinkTest, WhenOneEndsTheStreamTheOtherGoesOn) {
  Start();
  ASSERT_TRUE(port_.controllers[0].AwaitHellos(1));
  connected_.acquire();
  v1::ConnectResponse goodbye;
  goodbye.mutable_goodbye()->mutable_retry_after()->set_seconds(3600);
  port_.controllers[0].Send(goodbye);
  ASSERT_TRUE(port_.controllers[1].AwaitHellos(1));
  connected_.acquire();
  ASSERT_TRUE(spool_->Append({OutcomeNumber(1)}));
  EXPECT_TRUE(Got(port_.controllers[1], 1));
  EXPECT_EQ(port_.controllers[0].hellos().size(), 1U);
}

TEST_F(LinkTest, ARefusalDoesNotKeepItFromTheOther) {
  port_.controllers[0].SetWelcomes(false);
  port_.controllers[0].End({grpc::StatusCode::PERMISSION_DENIED, "revoked"});
  ASSERT_TRUE(spool_->Append({OutcomeNumber(1)}));
  Start();
  EXPECT_TRUE(Got(port_.controllers[1], 1));
}

TEST_F(LinkTest, TellsHowTheClocksDiffer) {
  port_.controllers[0].SetClockAhead(std::chrono::hours(-2));
  Start();
  connected_.acquire();
  ASSERT_TRUE(link_->clock_ahead());
  EXPECT_LT(*link_->clock_ahead(), -std::chrono::minutes(119));
}

}  // namespace
}  // namespace remapfleet::agent
