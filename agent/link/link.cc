#include "agent/link/link.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "agent/link/failover.h"
#include "agent/link/session.h"

namespace remapfleet::agent {
namespace {

constexpr std::chrono::seconds kSettled{10};
// What NTP keeps is far below, and what matters to the order of errors on one node, above.
constexpr std::chrono::seconds kClockLimit{5};

bool IsRefusal(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
         status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
}

}  // namespace

class Link::Impl {
 public:
  Impl(ControllerPort& controller, Spool& spool, MakeHello make_hello, OnDesired on_desired,
       std::function<void()> on_connected)
      : controller_(controller),
        spool_(spool),
        make_hello_(std::move(make_hello)),
        on_desired_(std::move(on_desired)),
        on_connected_(std::move(on_connected)),
        thread_([this](std::stop_token stop) { Loop(std::move(stop)); }) {}

  bool connected() const { return connected_; }
  std::optional<std::chrono::microseconds> clock_ahead() const {
    const std::lock_guard lock(mutex_);
    return clock_ahead_;
  }

 private:
  void Loop(std::stop_token stop) {
    while (!stop.stop_requested()) {
      const auto turn = failover_.Next(std::chrono::steady_clock::now());
      if (turn.wait.count() > 0) {
        spdlog::debug("link: next try in {} ms", turn.wait.count());
        std::unique_lock lock(mutex_);
        sleeper_.wait_for(lock, stop, turn.wait, [] { return false; });
        continue;
      }
      RunOnce(turn.address, stop);
    }
  }

  void RunOnce(std::size_t which, const std::stop_token& stop) {
    const std::string& address = controller_.addresses()[which];
    auto stream = controller_.Connect(which);
    if (!stream) {
      spdlog::error("link: {}", stream.error().message());
      return failover_.Refused(which, std::chrono::steady_clock::now());
    }
    Session session(spool_, on_desired_, [&](auto clock_ahead) {
      spdlog::info("link: connected to {}", address);
      NoteClock(clock_ahead);
      connected_ = true;
      on_connected_();
    });
    const auto begin = std::chrono::steady_clock::now();
    const SessionEnd end = session.Run(**stream, make_hello_(), stop);
    connected_ = false;
    const auto now = std::chrono::steady_clock::now();
    // One that only lasts a moment is a failure like others: no storm of greetings.
    if (end.welcomed && now - begin > kSettled) failover_.Settled(which);
    if (stop.stop_requested()) return;
    if (IsRefusal(end.status)) {
      spdlog::error("link: {} refuses this node: {} (is its certificate known and not revoked?)",
                    address, end.status.error_message());
      return failover_.Refused(which, now);
    }
    spdlog::warn("link: disconnected from {}: {}", address,
                 end.status.ok() ? "the stream ended" : end.status.error_message());
    failover_.Ended(which, now, end.retry_after.value_or(std::chrono::milliseconds(0)));
  }

  void NoteClock(std::optional<std::chrono::microseconds> ahead) {
    {
      const std::lock_guard lock(mutex_);
      clock_ahead_ = ahead;
    }
    if (!ahead || std::chrono::abs(*ahead) < kClockLimit) return;
    spdlog::warn(
        "link: this node's clock is {:.1f} s {} the controller's, and so are the times of what it "
        "reports: is it synchronised (chronyc tracking, timedatectl)?",
        std::chrono::duration<double>(std::chrono::abs(*ahead)).count(),
        ahead->count() > 0 ? "behind" : "ahead of");
  }

  ControllerPort& controller_;
  Spool& spool_;
  const MakeHello make_hello_;
  const OnDesired on_desired_;
  const std::function<void()> on_connected_;
  Failover failover_{controller_.addresses().size(), std::random_device()()};
  std::optional<std::chrono::microseconds> clock_ahead_;
  std::atomic<bool> connected_ = false;
  mutable std::mutex mutex_;
  std::condition_variable_any sleeper_;
  std::jthread thread_;  // last: starts when all else is there, and ends first
};

Link::Link(ControllerPort& controller, Spool& spool, MakeHello make_hello, OnDesired on_desired,
           std::function<void()> on_connected)
    : impl_(std::make_unique<Impl>(controller, spool, std::move(make_hello), std::move(on_desired),
                                   std::move(on_connected))) {}
Link::~Link() = default;
bool Link::connected() const { return impl_->connected(); }
std::optional<std::chrono::microseconds> Link::clock_ahead() const { return impl_->clock_ahead(); }

}  // namespace remapfleet::agent
