#include "agent/link/link.h"

#include <grpcpp/create_channel.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "agent/link/backoff.h"
#include "agent/link/session.h"
#include "support/tls.h"

namespace remapfleet::agent {
namespace {

bool IsRefusal(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
         status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
}

// A new one for each stream: certificates may have been renewed, and gRPC's own backoff of an old
// channel must not stand beside ours.
Result<std::shared_ptr<grpc::Channel>> MakeChannel(const LinkOptions& options) {
  auto credentials = ClientTls({options.tls_certificate, options.tls_key, options.tls_ca});
  if (!credentials) return Fail(credentials.error());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return grpc::CreateCustomChannel(options.address, *credentials, arguments);
}

}  // namespace

class Link::Impl {
 public:
  Impl(LinkOptions options, Spool& spool, MakeHello make_hello, OnDesired on_desired)
      : options_(std::move(options)),
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
    auto channel = MakeChannel(options_);
    if (!channel) {
      spdlog::error("link: {}", channel.error().message());
      return slow_backoff_.Next();
    }
    const auto stub = v1::AgentService::NewStub(*channel);
    Session session(spool_, on_desired_, [this](bool connected) {
      spdlog::info("link: connected to {}", options_.address);
      connected_ = connected;
    });
    const SessionEnd end = session.Run(*stub, make_hello_(), stop);
    connected_ = false;
    if (end.welcomed) backoff_.Reset();
    if (stop.stop_requested()) return {};
    if (IsRefusal(end.status)) {
      spdlog::error("link: {} refuses this node: {} (is its certificate known and not revoked?)",
                    options_.address, end.status.error_message());
      return std::chrono::seconds(5) + slow_backoff_.Next();
    }
    spdlog::warn("link: disconnected from {}: {}", options_.address,
                 end.status.ok() ? "the stream ended" : end.status.error_message());
    if (end.retry_after) return *end.retry_after + backoff_.Next();
    return backoff_.Next();
  }

  const LinkOptions options_;
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

Link::Link(LinkOptions options, Spool& spool, MakeHello make_hello, OnDesired on_desired)
    : impl_(std::make_unique<Impl>(std::move(options), spool, std::move(make_hello),
                                   std::move(on_desired))) {}
Link::~Link() = default;
bool Link::connected() const { return impl_->connected(); }

}  // namespace remapfleet::agent
