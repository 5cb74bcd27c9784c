#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/link/link.h"
#include "remapfleet/v1/agent_service.grpc.pb.h"

namespace remapfleet::agent {

// How a stream ended.
struct SessionEnd {
  grpc::Status status;
  bool welcomed = false;
  std::optional<std::chrono::milliseconds> retry_after;  // Goodbye's wish
};

// One stream from Hello to its end. The caller's thread writes, one of its own reads.
class Session {
 public:
  Session(Spool& spool, const Link::OnDesired& on_desired, std::function<void(bool)> on_connected)
      : spool_(spool), on_desired_(on_desired), on_connected_(std::move(on_connected)) {}

  SessionEnd Run(v1::AgentService::Stub& stub, const v1::Hello& hello, std::stop_token stop);

 private:
  using Stream = grpc::ClientReaderWriter<v1::ConnectRequest, v1::ConnectResponse>;
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

  void ReadAll(Stream& stream);
  void Take(v1::ConnectResponse response);
  void TakeAck(const v1::Ack& ack);
  Progress Look();
  void WriteAll(Stream& stream, grpc::ClientContext& context, std::stop_token stop);
  bool SendNext(Stream& stream, const Progress& progress, bool& sent);

  Spool& spool_;
  const Link::OnDesired& on_desired_;
  const std::function<void(bool)> on_connected_;
  Spool::Cursor cursor_ = 0;  // writer's

  std::mutex mutex_;
  bool ended_ = false;
  std::optional<v1::Welcome> welcome_;
  std::optional<std::chrono::milliseconds> retry_after_;
  std::deque<InFlight> in_flight_;
};

}  // namespace remapfleet::agent
