#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "controller/gateway/workers.h"
#include "controller/history/database.h"
#include "controller/history/desired.h"
#include "controller/metrics/metrics.h"
#include "remapfleet/v1/agent_service.grpc.pb.h"
#include "support/clock.h"

namespace remapfleet {

class SessionRegistry;

// What sessions share; all of it outlives them.
struct SessionContext {
  Database& database;
  Workers& workers;
  const Clock& clock;
  Metrics& metrics;
  SessionRegistry& registry;
};

// One agent's stream. gRPC calls the On… methods one after the other; everything else may come from
// any thread and takes the mutex. One batch at a time is under way: the next is read only after the
// last was committed, so that a slow database fills the agent's spool and not our memory. Lives
// until OnDone.
class Session final : public grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>,
                      public std::enable_shared_from_this<Session> {
 public:
  Session(SessionContext context, grpc::CallbackServerContext* call, HostId host);

  // Begins reading; the session then keeps itself alive.
  void Begin();

  // Sends a desired state unless this stream has carried that generation already or the node has
  // it.
  void Push(const DesiredRow& row);
  // Says goodbye and ends the stream; for fencing and draining.
  void End(const std::string& reason, std::chrono::milliseconds retry_after);
  // Ends the stream if it has been silent, or has not taken what we wrote, for too long. Silence
  // counts only while we listen: a batch that waits for the database is our delay, not the peer's.
  void CheckLiveness();
  // True if the agent has said something since the last call.
  bool TakeHeard();

  const HostId& host() const { return host_; }
  bool welcomed() const;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void HandleHello();
  void HandleBatch();
  void Greet(v1::Hello hello);
  void Store(std::shared_ptr<const v1::Batch> batch,
             std::chrono::steady_clock::time_point received);
  void Send(v1::ConnectResponse response);
  void SendLocked(v1::ConnectResponse response);
  void FinishLocked(const grpc::Status& status);
  void Finish(const grpc::Status& status);
  void Refuse(const Error& error);
  void ReadNext();
  void StartReadLocked();
  void NoteEnd(std::uint64_t epoch);

  const SessionContext context_;
  grpc::CallbackServerContext* const call_;
  const HostId host_;
  std::shared_ptr<Session> self_;
  v1::ConnectRequest request_;  // gRPC's while a read is under way

  mutable std::mutex mutex_;
  std::deque<v1::ConnectResponse> outgoing_;  // front is gRPC's while writing_
  bool writing_ = false;
  bool finishing_ = false;  // Finish was called, or will be when the last write is done
  bool finished_ = false;
  bool done_ = false;  // OnDone was called: `call_` is gone
  grpc::Status final_status_;
  bool welcomed_ = false;
  std::uint64_t epoch_ = 0;
  bool reading_ = false;
  bool heard_ = false;
  std::chrono::steady_clock::time_point listens_since_;  // while reading_
  std::chrono::steady_clock::time_point write_began_;
  struct Sent {
    std::uint64_t generation;
    std::chrono::steady_clock::time_point at;
  };
  std::map<std::string, Sent> sent_;  // by kind
  std::map<std::string, std::string> known_hashes_;
  std::map<std::string, std::uint64_t> known_generations_;
};

// The streams of this process, welcomed or not. Thread-safe.
class SessionRegistry {
 public:
  void Add(const std::shared_ptr<Session>& session);
  // Makes `session` its host's stream. Returns the one to be ended: the one before, or `session`
  // itself if a stream with a newer epoch came first; nothing if there is none.
  std::shared_ptr<Session> Replace(const std::shared_ptr<Session>& session, std::uint64_t epoch);
  void Remove(const Session& session);
  std::vector<std::shared_ptr<Session>> All() const;

 private:
  struct Newest {
    std::uint64_t epoch = 0;
    std::weak_ptr<Session> session;
  };
  mutable std::mutex mutex_;
  std::map<const Session*, std::weak_ptr<Session>> all_;
  std::map<HostId, Newest> by_host_;
};

}  // namespace remapfleet
