#include "agent/link/link.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "agent/link/backoff.h"
#include "agent/link/session.h"

namespace remapfleet::agent {
namespace {

constexpr std::chrono::seconds kSettled{10};

bool IsRefusal(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
         status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
}

}  // namespace

class Link::Impl {
 public:
  Impl(ControllerPort& controller, Spool& spool, MakeHello make_hello, OnDesired on_desired)
      : controller_(controller),
        spool_(spool),
        make_hello_(std::move(make_hello)),
        on_desired_(std::move(on_desired)),
        thread_([this](std::stop_token stop) { Loop(std::move(stop)); }) {}

  bool connected() const { return connected_; }

 private:
  void Loop(std::stop_token stop) {
    while (!stop.stop_requested()) {
      const auto wait = RunOnce(stop);
      if (stop.stop_requested()) break;
      spdlog::debug("link: next try in {} ms", wait.count());
      std::unique_lock lock(mutex_);
      sleeper_.wait_for(lock, stop, wait, [] { return false; });
    }
  }

  // How long to wait before the next try.
  std::chrono::milliseconds RunOnce(const std::stop_token& stop) {
    auto stream = controller_.Connect();
    if (!stream) {
      spdlog::error("link: {}", stream.error().message());
      return slow_backoff_.Next();
    }
    Session session(spool_, on_desired_, [this] {
      spdlog::info("link: connected to {}", controller_.address());
      connected_ = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    const SessionEnd end = session.Run(**stream, make_hello_(), stop);
    connected_ = false;
    // One that only lasts a moment is a failure like others: no storm of greetings.
    if (end.welcomed && std::chrono::steady_clock::now() - begin > kSettled) backoff_.Reset();
    if (stop.stop_requested()) return {};
    if (IsRefusal(end.status)) {
      spdlog::error("link: {} refuses this node: {} (is its certificate known and not revoked?)",
                    controller_.address(), end.status.error_message());
      return std::chrono::seconds(5) + slow_backoff_.Next();
    }
    spdlog::warn("link: disconnected from {}: {}", controller_.address(),
                 end.status.ok() ? "the stream ended" : end.status.error_message());
    if (end.retry_after) return *end.retry_after + backoff_.Next();
    return backoff_.Next();
  }

  ControllerPort& controller_;
  Spool& spool_;
  const MakeHello make_hello_;
  const OnDesired on_desired_;
  Backoff backoff_{std::chrono::milliseconds(200), std::chrono::seconds(30),
                   std::random_device()()};
  Backoff slow_backoff_{std::chrono::seconds(10), std::chrono::seconds(60), std::random_device()()};
  std::atomic<bool> connected_ = false;
  std::mutex mutex_;
  std::condition_variable_any sleeper_;
  std::jthread thread_;  // last: starts when all else is there, and ends first
};

Link::Link(ControllerPort& controller, Spool& spool, MakeHello make_hello, OnDesired on_desired)
    : impl_(std::make_unique<Impl>(controller, spool, std::move(make_hello),
                                   std::move(on_desired))) {}
Link::~Link() = default;
bool Link::connected() const { return impl_->connected(); }

}  // namespace remapfleet::agent
