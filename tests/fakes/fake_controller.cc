#include "tests/fakes/fake_controller.h"

#include <algorithm>
#include <chrono>

#include "support/clock.h"

namespace remapfleet::agent {

class FakeController::Stream final : public ControllerStream {
 public:
  explicit Stream(FakeController& controller) : controller_(controller) {}
  ~Stream() override {
    const std::lock_guard lock(controller_.mutex_);
    if (controller_.stream_ == this) controller_.stream_ = nullptr;
  }
  bool Write(const v1::ConnectRequest& request) override {
    return controller_.Take(request, *this);
  }
  bool Read(v1::ConnectResponse* response) override { return controller_.Give(*response, *this); }
  void Cancel() override {
    const std::lock_guard lock(controller_.mutex_);
    if (!status_) status_ = grpc::Status(grpc::StatusCode::CANCELLED, "cancelled");
    controller_.changed_.notify_all();
  }
  grpc::Status Finish() override {
    const std::lock_guard lock(controller_.mutex_);
    return status_.value_or(grpc::Status::OK);
  }

 private:
  friend class FakeController;
  FakeController& controller_;
  mutable std::optional<grpc::Status> status_;  // set: it is over
  mutable bool welcomed_ = false;
};

FakeController::FakeController() = default;
FakeController::~FakeController() = default;

Result<std::unique_ptr<ControllerStream>> FakeController::Connect(std::size_t) {
  auto stream = std::make_unique<Stream>(*this);
  const std::lock_guard lock(mutex_);
  stream_ = stream.get();
  // What was meant for the last stream died with it; orders wait.
  std::erase_if(to_send_,
                [](const v1::ConnectResponse& r) { return r.has_ack() || r.has_welcome(); });
  return stream;
}

bool FakeController::Take(const v1::ConnectRequest& request, const Stream& stream) {
  const std::lock_guard lock(mutex_);
  if (stream.status_ || stream_ != &stream) return false;
  v1::ConnectResponse answer;
  if (request.has_hello()) {
    hellos_.push_back(request.hello());
    answer.mutable_welcome()->set_acked_seq(committed_[request.hello().boot_id()]);
    *answer.mutable_welcome()->mutable_clock() = ToProto(SystemClock().Now() + clock_ahead_);
    if (welcomes_) to_send_.push_front(answer);
  }
  if (request.has_batch()) {
    const v1::Batch& batch = request.batch();
    std::uint64_t& committed = committed_[batch.boot_id()];
    std::uint64_t seq = batch.first_seq();
    for (const v1::Record& record : batch.records()) {
      if (seq > committed) records_.push_back(record);
      ++seq;
    }
    committed = std::max(committed, seq - 1);
    answer.mutable_ack()->set_boot_id(batch.boot_id());
    answer.mutable_ack()->set_through_seq(committed);
    if (acks_) to_send_.push_back(answer);
  }
  changed_.notify_all();
  return true;
}

bool FakeController::Give(v1::ConnectResponse& response, const Stream& stream) {
  std::unique_lock lock(mutex_);
  // As the real one, it welcomes before it orders anything; unless a test forbids welcomes.
  const auto ready = [&] {
    return !to_send_.empty() && (stream.welcomed_ || to_send_.front().has_welcome() || !welcomes_);
  };
  changed_.wait(lock, [&] { return stream.status_ || ready() || end_; });
  if (stream.status_) return false;
  if (ready()) {
    response = std::move(to_send_.front());
    to_send_.pop_front();
    stream.welcomed_ |= response.has_welcome();
    return true;
  }
  stream.status_ = *end_;
  end_.reset();
  return false;
}

void FakeController::Send(v1::ConnectResponse response) {
  const std::lock_guard lock(mutex_);
  to_send_.push_back(std::move(response));
  changed_.notify_all();
}

void FakeController::SendDesired(v1::Desired desired) {
  v1::ConnectResponse response;
  *response.mutable_desired() = std::move(desired);
  Send(std::move(response));
}

void FakeController::End(grpc::Status status) {
  const std::lock_guard lock(mutex_);
  end_ = std::move(status);
  changed_.notify_all();
}

void FakeController::SetClockAhead(std::chrono::seconds ahead) {
  const std::lock_guard lock(mutex_);
  clock_ahead_ = ahead;
}

void FakeController::SetAcks(bool acks) {
  const std::lock_guard lock(mutex_);
  acks_ = acks;
}

void FakeController::SetWelcomes(bool welcomes) {
  const std::lock_guard lock(mutex_);
  welcomes_ = welcomes;
}

bool FakeController::Await(const std::function<bool(const std::vector<v1::Record>&)>& good) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return good(records_); });
}

bool FakeController::AwaitHellos(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return hellos_.size() >= count; });
}

std::vector<v1::Record> FakeController::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

std::vector<v1::Hello> FakeController::hellos() const {
  const std::lock_guard lock(mutex_);
  return hellos_;
}

}  // namespace remapfleet::agent
