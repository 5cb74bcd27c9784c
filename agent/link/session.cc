#include "agent/link/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "support/clock.h"
#include "support/grpc_status.h"

namespace remapfleet::agent {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kWelcomeTimeout(15);
constexpr std::uint64_t kMaxBatchBytes = 1 << 20;

// What a controller says of times is kept within what a node can live with.
constexpr std::chrono::milliseconds kLongest(3'600'000);

std::chrono::milliseconds ToMillis(const google::protobuf::Duration& duration) {
  const auto seconds = std::clamp<std::int64_t>(duration.seconds(), 0, kLongest.count() / 1000);
  const auto millis = std::chrono::milliseconds(seconds * 1000 + duration.nanos() / 1'000'000);
  return std::clamp(millis, std::chrono::milliseconds(0), kLongest);
}

std::chrono::milliseconds HeartbeatOf(const v1::Welcome& welcome) {
  const auto asked = ToMillis(welcome.heartbeat());
  return asked.count() > 0 ? asked : std::chrono::milliseconds(10'000);
}

}  // namespace

SessionEnd Session::Run(ControllerStream& stream, const v1::Hello& hello, std::stop_token stop) {
  const std::stop_callback wake(stop, [this] { spool_.Poke(); });
  // A blocked write to a peer that went away only ends by cancelling.
  const std::stop_callback cancel(stop, [&stream] { stream.Cancel(); });
  hello_sent_ = SystemClock().Now();
  {
    std::jthread reader([&] { ReadAll(stream); });
    v1::ConnectRequest request;
    *request.mutable_hello() = hello;
    if (stream.Write(request)) WriteAll(stream, stop);
    // Where the peer has ended it, its reason must not be covered by our own cancelling.
    const std::lock_guard lock(mutex_);
    if (!read_ended_) stream.Cancel();
  }
  SessionEnd end;
  end.status = stream.Finish();
  const std::lock_guard lock(mutex_);
  if (violation_) end.status = ToGrpc(*violation_);
  end.welcomed = welcome_.has_value();
  end.retry_after = retry_after_;
  return end;
}

void Session::ReadAll(ControllerStream& stream) {
  v1::ConnectResponse response;
  Status taken;
  while (taken && stream.Read(&response)) taken = Take(std::move(response));
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    read_ended_ = true;
    if (!taken) violation_ = taken.error();
  }
  if (!taken) stream.Cancel();
  spool_.Poke();
}

Status Session::Take(v1::ConnectResponse response) {
  if (response.message_case() == v1::ConnectResponse::kWelcome) {
    return TakeWelcome(std::move(*response.mutable_welcome()));
  }
  if (response.message_case() == v1::ConnectResponse::kGoodbye) {
    spdlog::info("link: the controller ends the stream: {}", response.goodbye().reason());
    {
      const std::lock_guard lock(mutex_);
      retry_after_ = ToMillis(response.goodbye().retry_after());
      ended_ = true;
    }
    spool_.Poke();
    return {};
  }
  // Only this thread sets it.
  if (!welcome_) return Fail(Code::kInternal, "the controller did not begin with a welcome");
  if (response.message_case() == v1::ConnectResponse::kAck) return TakeAck(response.ack());
  if (response.message_case() == v1::ConnectResponse::kDesired &&
      !on_desired_(std::move(*response.mutable_desired()))) {
    spdlog::warn("link: too many orders at once, one is left for the controller to send again");
  }
  // Anything else is of a newer controller, and does not concern this agent.
  return {};
}

Status Session::TakeWelcome(v1::Welcome welcome) {
  if (welcome_) return Fail(Code::kInternal, "the controller welcomed twice");
  std::optional<std::chrono::microseconds> clock_ahead;
  if (welcome.has_clock()) {
    const TimePoint now = SystemClock().Now();
    clock_ahead = FromProto(welcome.clock()) - (hello_sent_ + (now - hello_sent_) / 2);
  }
  if (auto resumed = spool_.Resume(welcome.acked_seq()); !resumed) return resumed;
  {
    const std::lock_guard lock(mutex_);
    welcome_ = std::move(welcome);
  }
  on_connected_(clock_ahead);
  spool_.Poke();
  return {};
}

Status Session::TakeAck(const v1::Ack& ack) {
  {
    const std::lock_guard lock(mutex_);
    const auto sent = sent_.find(ack.boot_id());
    if (sent == sent_.end() || ack.through_seq() > sent->second) {
      return Fail(Code::kInternal, "the controller acknowledged records that were not sent");
    }
    std::erase_if(in_flight_, [&](const InFlight& batch) {
      return batch.boot_id == ack.boot_id() && batch.last_seq <= ack.through_seq();
    });
  }
  spool_.Ack(ack.boot_id(), ack.through_seq());
  return {};
}

Session::Progress Session::Look() {
  const std::lock_guard lock(mutex_);
  std::uint64_t unacked = 0;
  for (const InFlight& batch : in_flight_) unacked += batch.bytes;
  return {ended_, welcome_, unacked};
}

// False if the stream is broken.
bool Session::SendNext(ControllerStream& stream, const Progress& progress, bool& sent) {
  sent = false;
  const v1::Limits& limits = progress.welcome->limits();
  const std::uint64_t credit =
      limits.max_unacked_bytes() != 0 ? limits.max_unacked_bytes() : kMaxBatchBytes;
  // One batch may always be under way: the smallest credit must not stop the stream for ever.
  if (progress.unacked_bytes != 0 && progress.unacked_bytes >= credit) return true;
  const std::size_t records = limits.max_batch_records() != 0 ? limits.max_batch_records() : 100;
  auto chunk =
      spool_.Next(cursor_, records, std::min(kMaxBatchBytes, credit - progress.unacked_bytes));
  if (!chunk) {
    spdlog::error("spool: {}", chunk.error().message());
    return false;
  }
  if (!*chunk) return true;
  // Where one more record would go beyond the credit, it waits for acknowledgements.
  if (progress.unacked_bytes != 0 && progress.unacked_bytes + (*chunk)->bytes > credit) return true;
  v1::ConnectRequest request;
  *request.mutable_batch() = std::move((*chunk)->batch);
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t last = request.batch().first_seq() + request.batch().records_size() - 1;
    in_flight_.push_back({request.batch().boot_id(), last, (*chunk)->bytes});
    auto& highest = sent_[request.batch().boot_id()];
    const bool this_boot = request.batch().boot_id() == spool_.boot_id();
    LeaveOutSent(*request.mutable_batch(), std::max(highest, this_boot ? spool_.last_acked() : 0));
    highest = std::max(highest, last);
  }
  cursor_ = (*chunk)->end;
  sent = true;
  return stream.Write(request);
}

void Session::WriteAll(ControllerStream& stream, std::stop_token stop) {
  const auto give_up = steady_clock::now() + kWelcomeTimeout;
  auto last_write = steady_clock::now();
  std::uint64_t version = 0;
  while (!stop.stop_requested()) {
    const Progress progress = Look();
    if (progress.ended) break;
    if (!progress.welcome) {
      if (steady_clock::now() >= give_up) {
        spdlog::warn("link: no welcome within {} s", kWelcomeTimeout.count());
        break;
      }
      version = spool_.WaitChange(version, stop, give_up);
      continue;
    }
    bool sent = false;
    if (!SendNext(stream, progress, sent)) break;
    const auto now = steady_clock::now();
    if (sent) {
      last_write = now;
      continue;
    }
    const auto beat = last_write + HeartbeatOf(*progress.welcome);
    if (now >= beat) {
      v1::ConnectRequest request;
      *request.mutable_heartbeat()->mutable_clock() = ToProto(SystemClock().Now());
      if (!stream.Write(request)) break;
      last_write = now;
      continue;
    }
    version = spool_.WaitChange(version, stop, beat);
  }
}

}  // namespace remapfleet::agent
