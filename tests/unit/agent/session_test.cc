#include "agent/link/session.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/ids.h"
#include "tests/fakes/fake_controller.h"
#include "tests/fakes/fake_files.h"

namespace remapfleet::agent {
namespace {

v1::Record Telemetry(const std::string& text) {
  v1::Record record;
  record.mutable_gap()->set_reason(text);
  return record;
}

// One session against a controller in memory, on a thread of its own.
class SessionTest : public testing::Test {
 protected:
  SessionTest() { spool_ = std::move(*Spool::Open(files_, "/spool", boot_, 1 << 20)); }
  ~SessionTest() override {
    if (thread_.joinable()) Stop();
  }

  void Run() {
    thread_ = std::jthread([this](std::stop_token stop) {
      v1::Hello hello;
      hello.set_boot_id(boot_);
      Session session(*spool_, on_desired_, [this](auto offset) { offset_ = offset; });
      auto stream = controller_.Connect(0);
      end_ = session.Run(**stream, hello, stop);
    });
  }
  SessionEnd Stop() {
    thread_.request_stop();
    return Join();
  }
  SessionEnd Join() {
    thread_.join();
    return end_;
  }
  void Append(const std::string& text) { ASSERT_TRUE(spool_->Append({Telemetry(text)})); }
  // Until the spool holds `left` records; false if that does not come.
  bool AwaitLeft(std::uint64_t left) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::uint64_t version = 0;
    while (spool_->stats().records != left) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      version = spool_->WaitChange(version, {}, deadline);
    }
    return true;
  }

  const std::string boot_ = NewUuid();
  FakeFileSystem files_;
  FakeController controller_;
  std::unique_ptr<Spool> spool_;
  std::vector<v1::Desired> desired_;
  Link::OnDesired on_desired_ = [this](v1::Desired desired) {
    desired_.push_back(std::move(desired));
    return true;
  };
  SessionEnd end_;
  std::optional<std::chrono::microseconds> offset_;
  std::jthread thread_;
};

TEST_F(SessionTest, SendsTheSpoolAndForgetsWhatIsCommitted) {
  Append("a");
  Run();
  ASSERT_TRUE(controller_.Await([](const auto& records) { return records.size() == 1; }));
  Append("b");
  ASSERT_TRUE(controller_.Await([](const auto& records) { return records.size() == 2; }));
  EXPECT_TRUE(AwaitLeft(0));
  const SessionEnd end = Stop();
  EXPECT_TRUE(end.welcomed);
}

TEST_F(SessionTest, WithoutAcknowledgementTheNextStreamSendsItAgain) {
  controller_.SetAcks(false);
  Append("a");
  Run();
  ASSERT_TRUE(controller_.Await([](const auto& records) { return records.size() == 1; }));
  Stop();
  EXPECT_EQ(spool_->stats().records, 1U);
  // The welcome says what was committed after all.
  Run();
  EXPECT_TRUE(AwaitLeft(0));
  Stop();
  EXPECT_EQ(controller_.records().size(), 1U);
}

TEST_F(SessionTest, NothingIsSentBeforeTheWelcome) {
  controller_.SetWelcomes(false);
  Append("a");
  Run();
  ASSERT_TRUE(controller_.AwaitHellos(1));
  const SessionEnd end = Stop();
  EXPECT_FALSE(end.welcomed);
  EXPECT_TRUE(controller_.records().empty());
}

TEST_F(SessionTest, AnAcknowledgementOfWhatWasNotSentEndsItAndDeletesNothing) {
  controller_.SetAcks(false);
  v1::ConnectResponse ack;
  ack.mutable_ack()->set_boot_id(boot_);
  ack.mutable_ack()->set_through_seq(1000);
  Append("a");
  Run();
  ASSERT_TRUE(controller_.Await([](const auto& records) { return records.size() == 1; }));
  controller_.Send(ack);
  const SessionEnd end = Join();
  EXPECT_EQ(end.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(spool_->stats().records, 1U);
}

TEST_F(SessionTest, AnOrderBeforeTheWelcomeIsNotTaken) {
  controller_.SetWelcomes(false);
  controller_.SendDesired({});
  Run();
  EXPECT_EQ(Join().status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_TRUE(desired_.empty());
}

TEST_F(SessionTest, ASecondWelcomeEndsIt) {
  Run();
  ASSERT_TRUE(controller_.AwaitHellos(1));
  v1::ConnectResponse welcome;
  welcome.mutable_welcome();
  controller_.Send(welcome);
  EXPECT_EQ(Join().status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST_F(SessionTest, AGoodbyeIsObeyedWithinReason) {
  v1::ConnectResponse goodbye;
  goodbye.mutable_goodbye()->mutable_retry_after()->set_seconds(std::int64_t{1} << 60);
  Run();
  ASSERT_TRUE(controller_.AwaitHellos(1));
  controller_.Send(goodbye);
  const SessionEnd end = Join();
  ASSERT_TRUE(end.retry_after);
  EXPECT_EQ(*end.retry_after, std::chrono::hours(1));
}

TEST_F(SessionTest, TheClocksAreCompared) {
  controller_.SetClockAhead(std::chrono::hours(1));
  Append("a");
  Run();
  ASSERT_TRUE(controller_.Await([](const auto& records) { return records.size() == 1; }));
  Stop();
  ASSERT_TRUE(offset_);
  EXPECT_GT(*offset_, std::chrono::minutes(59));
  EXPECT_LT(*offset_, std::chrono::minutes(61));
}

TEST_F(SessionTest, TheControllersReasonForEndingIsKept) {
  Run();
  ASSERT_TRUE(controller_.AwaitHellos(1));
  controller_.End({grpc::StatusCode::PERMISSION_DENIED, "revoked"});
  EXPECT_EQ(Join().status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

// The state folder was lost, and this boot's numbers begin at 1 again, below what is committed.
TEST_F(SessionTest, NumbersThatWereLostAreNotTakenForCommittedOnes) {
  Append("old");
  Run();
  ASSERT_TRUE(AwaitLeft(0));
  Stop();
  spool_ = std::move(*Spool::Open(files_, "/new", boot_, 1 << 20));
  Append("new");
  Run();
  EXPECT_TRUE(controller_.Await([](const auto& records) {
    return !records.empty() && records.back().gap().reason() == "new";
  }));
  EXPECT_TRUE(AwaitLeft(0));
  Stop();
}

}  // namespace
}  // namespace remapfleet::agent
