#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent/link/controller_port.h"

namespace remapfleet::agent {

// A controller in memory: welcomes, takes batches, acknowledges them, sends what a test gives it.
// Must outlive its streams. Thread-safe.
class FakeController final : public ControllerPort {
 public:
  FakeController();
  ~FakeController() override;
  Result<std::unique_ptr<ControllerStream>> Connect(std::size_t address) override;
  const std::vector<std::string>& addresses() const override { return addresses_; }

  // Sent on the stream there is, or on the next one.
  void Send(v1::ConnectResponse response);
  void SendDesired(v1::Desired desired);
  // The stream ends with this, or the next one does.
  void End(grpc::Status status);
  // How far the clock that it tells is ahead of this machine's; default 0.
  void SetClockAhead(std::chrono::seconds ahead);
  void SetAcks(bool acks);          // default true
  void SetWelcomes(bool welcomes);  // default true

  // Waits until `good` holds for what was received so far; false after ten seconds without.
  bool Await(const std::function<bool(const std::vector<v1::Record>&)>& good);
  bool AwaitHellos(std::size_t count);
  std::vector<v1::Record> records() const;
  std::vector<v1::Hello> hellos() const;

 private:
  class Stream;
  bool Take(const v1::ConnectRequest& request, const Stream& stream);
  bool Give(v1::ConnectResponse& response, const Stream& stream);

  const std::vector<std::string> addresses_{"fake"};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  const Stream* stream_ = nullptr;  // the newest
  std::deque<v1::ConnectResponse> to_send_;
  std::optional<grpc::Status> end_;
  bool acks_ = true;
  std::chrono::seconds clock_ahead_{0};
  bool welcomes_ = true;
  std::vector<v1::Hello> hellos_;
  std::vector<v1::Record> records_;
  std::map<std::string, std::uint64_t> committed_;  // by boot
};

}  // namespace remapfleet::agent
