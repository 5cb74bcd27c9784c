#pragma once

#include <thread>

#include "controller/gateway/session.h"
#include "controller/gateway/workers.h"

namespace remapfleet {

// The agents' service: one Session a stream, a few workers for the database, and a thread that
// pushes desired states and watches over silent streams.
class Gateway final : public v1::AgentService::CallbackService {
 public:
  // All must outlive the gateway.
  Gateway(Database& database, const Clock& clock, Metrics& metrics);
  ~Gateway() override;

  void Start();
  // Says goodbye to every agent; call before the server is shut down.
  void Drain();
  // Stops the threads; call after the server is shut down.
  void Stop();

  grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>* Connect(
      grpc::CallbackServerContext* call) override;

 private:
  void PushLoop(std::stop_token stop);
  void PushDesired();
  void NoteHeardHosts();

  Database& database_;
  const Clock& clock_;
  Metrics& metrics_;
  SessionRegistry registry_;
  Workers workers_;
  std::jthread pusher_;
};

}  // namespace remapfleet
