#include "controller/gateway/gateway.h"

#include <spdlog/spdlog.h>

#include "controller/history/hosts.h"
#include "support/grpc_status.h"
#include "support/tls.h"

namespace remapfleet {
namespace {

constexpr std::size_t kWorkers = 4;
constexpr std::size_t kWaitingJobs = 4096;
constexpr std::chrono::milliseconds kPoll{500};
constexpr std::chrono::seconds kNoteHeard{15};  // history/readers.cc waits for three of them

// Ends at once, for peers that may not even begin.
class Refusal final : public grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

Gateway::Gateway(Database& database, const Clock& clock, Metrics& metrics)
    : database_(database), clock_(clock), metrics_(metrics), workers_(kWorkers, kWaitingJobs) {}

Gateway::~Gateway() { Stop(); }

void Gateway::Start() {
  pusher_ = std::jthread([this](std::stop_token stop) { PushLoop(stop); });
}

void Gateway::Drain() {
  for (const auto& session : registry_.All()) {
    session->End("the controller restarts", std::chrono::milliseconds(500));
  }
}

void Gateway::Stop() {
  pusher_.request_stop();
  if (pusher_.joinable()) pusher_.join();
  workers_.Stop();
}

grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>* Gateway::Connect(
    grpc::CallbackServerContext* call) {
  auto peer = PeerOf(*call->auth_context());
  if (peer && peer->kind != PeerIdentity::Kind::kHost) {
    peer = Fail(Code::kPermissionDenied, "this is an operator's certificate; agents need a host's");
  }
  if (!peer) {
    spdlog::warn("stream from {} refused: {}", call->peer(), peer.error().message());
    metrics_.refused.Increment();
    return new Refusal(ToGrpc(peer.error()));
  }
  const auto session = std::make_shared<Session>(
      SessionContext{database_, workers_, clock_, metrics_, registry_}, call, HostId(peer->name));
  session->Begin();
  return session.get();
}

void Gateway::PushLoop(std::stop_token stop) {
  Listener listener(database_.url(), kDesiredChannel);
  auto noted = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    listener.Wait(kPoll);
    for (const auto& session : registry_.All()) session->CheckLiveness();
    PushDesired();
    if (std::chrono::steady_clock::now() - noted < kNoteHeard) continue;
    noted = std::chrono::steady_clock::now();
    NoteHeardHosts();
  }
}

// One statement for all of them, so that heartbeats cost the database next to nothing.
void Gateway::NoteHeardHosts() {
  std::vector<std::string> hosts;
  for (const auto& session : registry_.All()) {
    if (session->welcomed() && session->TakeHeard()) hosts.push_back(session->host().value());
  }
  if (hosts.empty()) return;
  const Status noted = database_.Transact([&](Transaction& t) -> Status {
    NoteHeard(t, hosts);
    return {};
  });
  if (!noted) metrics_.database_errors.Increment();
}

void Gateway::PushDesired() {
  std::map<HostId, std::shared_ptr<Session>> sessions;
  std::vector<std::string> hosts;
  for (auto& session : registry_.All()) {
    if (!session->welcomed()) continue;
    hosts.push_back(session->host().value());
    sessions.emplace(session->host(), std::move(session));
  }
  if (hosts.empty()) return;
  const auto rows = database_.Query<std::vector<DesiredRow>>(
      [&](Transaction& t) { return UnfinishedDesired(t, hosts); });
  if (!rows) {
    metrics_.database_errors.Increment();
    return;
  }
  for (const DesiredRow& row : *rows) {
    const auto found = sessions.find(row.host);
    if (found != sessions.end()) found->second->Push(row);
  }
}

}  // namespace remapfleet
