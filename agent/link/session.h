#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/link/link.h"
#include "support/clock.h"

namespace remapfleet::agent {

// How a stream ended.
struct SessionEnd {
  grpc::Status status;
  bool welcomed = false;
  std::optional<std::chrono::milliseconds> retry_after;  // Goodbye's wish
};

// One stream from Hello to its end. The caller's thread writes, one of its own reads. What breaks
// the protocol ends it, and is never acted upon.
class Session {
 public:
  // With how far the controller's clock is ahead of this node's, as near as half of the round trip;
  // nothing if the controller does not tell its time.
  using OnConnected = std::function<void(std::optional<std::chrono::microseconds> clock_ahead)>;

  Session(Spool& spool, const Link::OnDesired& on_desired, OnConnected on_connected)
      : spool_(spool), on_desired_(on_desired), on_connected_(std::move(on_connected)) {}

  SessionEnd Run(ControllerStream& stream, const v1::Hello& hello, std::stop_token stop);

 private:
  struct InFlight {
    std::string boot_id;
    std::uint64_t last_seq;
    std::uint64_t bytes;
  };
  struct Progress {
    bool ended;
    std::optional<v1::Welcome> welcome;
    std::uint64_t unacked_bytes;
  };

  void ReadAll(ControllerStream& stream);
  Status Take(v1::ConnectResponse response);
  Status TakeWelcome(v1::Welcome welcome);
  Status TakeAck(const v1::Ack& ack);
  Progress Look();
  void WriteAll(ControllerStream& stream, std::stop_token stop);
  bool SendNext(ControllerStream& stream, const Progress& progress, bool& sent);

  Spool& spool_;
  const Link::OnDesired& on_desired_;
  const OnConnected on_connected_;
  Spool::Cursor cursor_ = 0;  // writer's

  std::mutex mutex_;
  bool ended_ = false;       // nothing more is to be written
  bool read_ended_ = false;  // the peer's side is over
  std::optional<Error> violation_;
  std::optional<v1::Welcome> welcome_;
  TimePoint hello_sent_;
  std::optional<std::chrono::milliseconds> retry_after_;
  std::deque<InFlight> in_flight_;
  std::map<std::string, std::uint64_t> sent_;  // highest number, by boot
};

}  // namespace remapfleet::agent
