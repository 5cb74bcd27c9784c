#include "controller/gateway/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "controller/gateway/check.h"
#include "controller/history/hosts.h"
#include "controller/history/records.h"
#include "support/grpc_status.h"

namespace remapfleet {
namespace {

using std::chrono::steady_clock;

// The agent sends at least this often; three in a row missed end the stream.
constexpr std::chrono::seconds kHeartbeat{10};
constexpr std::chrono::seconds kHelloLimit{10};
// gRPC may take minutes to notice that a peer is gone (grpc issue 41492).
constexpr std::chrono::seconds kWriteLimit{30};
// A desired state that was sent and not accepted is sent again after this.
constexpr std::chrono::seconds kResend{10};
constexpr std::chrono::milliseconds kRetryAfter{1000};
constexpr std::size_t kMaxOutgoing = 1000;

}  // namespace

Session::Session(SessionContext context, grpc::CallbackServerContext* call, HostId host)
    : context_(context), call_(call), host_(std::move(host)) {}

void Session::Begin() {
  self_ = shared_from_this();
  context_.registry.Add(self_);
  const std::lock_guard lock(mutex_);
  StartReadLocked();
}

void Session::StartReadLocked() {
  reading_ = true;
  listens_since_ = steady_clock::now();
  StartRead(&request_);
}

bool Session::welcomed() const {
  const std::lock_guard lock(mutex_);
  return welcomed_;
}

void Session::OnReadDone(bool ok) {
  bool welcomed = false;
  {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    heard_ = heard_ || ok;
    welcomed = welcomed_;
  }
  if (!ok) return Finish(grpc::Status::OK);
  if (!welcomed) return HandleHello();
  switch (request_.message_case()) {
    case v1::ConnectRequest::kBatch:
      return HandleBatch();
    case v1::ConnectRequest::kHeartbeat:
      return ReadNext();
    case v1::ConnectRequest::kHello:
      return Refuse(Error(Code::kInvalidArgument, "a second hello on one stream"));
    default:
      return Refuse(Error(Code::kInvalidArgument, "a message that this controller does not know"));
  }
}

void Session::HandleHello() {
  if (!request_.has_hello()) {
    return Refuse(Error(Code::kInvalidArgument, "the first message must be hello"));
  }
  const Status good = CheckHello(request_.hello());
  if (!good) return Refuse(good.error());
  auto job = [self = shared_from_this(), hello = request_.hello()]() mutable {
    self->Greet(std::move(hello));
  };
  if (!context_.workers.Run(std::move(job))) End("too many agents at once", kRetryAfter);
}

// On a worker thread.
void Session::Greet(v1::Hello hello) {
  std::vector<DesiredRow> desired;
  const auto start =
      context_.database.Query<SessionStart>([&](Transaction& t) -> Result<SessionStart> {
        auto begun = BeginSession(t, host_, hello);
        auto rows = AllDesired(t, host_);
        if (!rows) return Fail(rows.error());
        desired = std::move(*rows);
        return begun;
      });
  if (!start) {
    spdlog::error("{}: cannot welcome: {}", host_.value(), start.error().message());
    context_.metrics.database_errors.Increment();
    return End("the controller's database is not reachable", kRetryAfter);
  }
  v1::ConnectResponse response;
  v1::Welcome& welcome = *response.mutable_welcome();
  welcome.set_session_epoch(start->epoch);
  welcome.set_acked_seq(start->acked_seq);
  *welcome.mutable_clock() = ToProto(context_.clock.Now());
  welcome.mutable_heartbeat()->set_seconds(kHeartbeat.count());
  welcome.mutable_limits()->set_max_batch_records(kMaxBatchRecords);
  welcome.mutable_limits()->set_max_unacked_bytes(kMaxUnackedBytes);
  // Before the welcome: who is welcomed has the host to itself.
  if (const auto older = context_.registry.Replace(shared_from_this(), start->epoch)) {
    older->End("a newer stream of this host has begun", std::chrono::milliseconds(0));
  }
  {
    const std::lock_guard lock(mutex_);
    // The peer left while its hello was being stored, where it counts as connected now.
    if (finishing_) {
      context_.registry.Remove(*this);
      return NoteEnd(start->epoch);
    }
    welcomed_ = true;
    epoch_ = start->epoch;
    known_generations_ = {hello.known_generations().begin(), hello.known_generations().end()};
    known_hashes_ = {hello.known_hashes().begin(), hello.known_hashes().end()};
    SendLocked(std::move(response));
  }
  context_.metrics.streams.Increment();
  spdlog::info("{}: connected, epoch {}, agent {}, {} drives", host_.value(), start->epoch,
               hello.agent_version(), hello.drives_size());
  for (const DesiredRow& row : desired) Push(row);
  ReadNext();
}

void Session::HandleBatch() {
  auto batch = std::make_shared<const v1::Batch>(std::move(*request_.mutable_batch()));
  const Status good = CheckBatch(*batch);
  if (!good) return Refuse(good.error());
  auto job = [self = shared_from_this(), batch, received = steady_clock::now()] {
    self->Store(batch, received);
  };
  if (!context_.workers.Run(std::move(job))) End("the controller is overloaded", kRetryAfter);
}

// On a worker thread.
void Session::Store(std::shared_ptr<const v1::Batch> batch, steady_clock::time_point received) {
  const auto receipt =
      context_.database.Query<IngestReceipt>([&](Transaction& t) -> Result<IngestReceipt> {
        // A stream that was fenced meanwhile must not write any more.
        if (!IsCurrent(t, host_, epoch_))
          return Fail(Code::kAborted, "a newer stream of this host has begun");
        return IngestBatch(t, host_, *batch, context_.clock.Now());
      });
  if (!receipt) {
    spdlog::error("{}: batch {}+{} is not stored: {}", host_.value(), batch->first_seq(),
                  batch->records_size(), receipt.error().message());
    context_.metrics.database_errors.Increment();
    // What exactly failed is for our log; the node can only try again.
    return End("the batch could not be stored; try again", kRetryAfter);
  }
  context_.metrics.batches.Increment();
  context_.metrics.records.Increment(static_cast<double>(receipt->stored));
  context_.metrics.ingest_seconds.Observe(
      std::chrono::duration<double>(steady_clock::now() - received).count());
  v1::ConnectResponse response;
  response.mutable_ack()->set_boot_id(batch->boot_id());
  // No more than was sent on this stream: after a restart the node may send from the beginning what
  // is here already.
  response.mutable_ack()->set_through_seq(
      std::min(receipt->through_seq, batch->first_seq() + batch->records_size() - 1));
  Send(std::move(response));
  ReadNext();
}

void Session::Push(const DesiredRow& row) {
  const v1::Desired& desired = row.desired;
  {
    const std::lock_guard lock(mutex_);
    if (!welcomed_ || finishing_) return;
    const auto now = steady_clock::now();
    const auto sent = sent_.find(desired.kind());
    const bool carried = sent != sent_.end() && sent->second.generation >= desired.generation();
    if (carried && (row.stage != v1::Outcome::STAGE_UNSPECIFIED || now - sent->second.at < kResend))
      return;
    const bool held = known_generations_[desired.kind()] == desired.generation() &&
                      known_hashes_[desired.kind()] == desired.spec_sha256();
    if (row.stage >= v1::Outcome::STAGE_APPLIED &&
        (held || row.stage == v1::Outcome::STAGE_REJECTED))
      return;
    sent_[desired.kind()] = {desired.generation(), now};
  }
  const Status marked = context_.database.Transact([&](Transaction& t) -> Status {
    MarkIssued(t, host_, desired);
    return {};
  });
  v1::ConnectResponse response;
  *response.mutable_desired() = desired;
  const std::lock_guard lock(mutex_);
  const auto sent = sent_.find(desired.kind());
  // Another thread has sent a newer one meanwhile: the node would refuse this one as old.
  if (sent == sent_.end() || sent->second.generation != desired.generation()) return;
  if (!marked) {
    sent_.erase(sent);
    return;
  }
  spdlog::info("{}: sending {} generation {}", host_.value(), desired.kind(), desired.generation());
  SendLocked(std::move(response));
}

void Session::End(const std::string& reason, std::chrono::milliseconds retry_after) {
  v1::ConnectResponse response;
  v1::Goodbye& goodbye = *response.mutable_goodbye();
  goodbye.set_reason(reason);
  goodbye.mutable_retry_after()->set_seconds(retry_after.count() / 1000);
  goodbye.mutable_retry_after()->set_nanos(
      static_cast<int>(retry_after.count() % 1000 * 1'000'000));
  const std::lock_guard lock(mutex_);
  if (finishing_) return;
  SendLocked(std::move(response));
  FinishLocked(grpc::Status(grpc::StatusCode::UNAVAILABLE, reason));
}

void Session::CheckLiveness() {
  const std::lock_guard lock(mutex_);
  if (done_) return;
  const auto now = steady_clock::now();
  const auto silence = welcomed_ ? 3 * kHeartbeat : kHelloLimit;
  if ((reading_ && now - listens_since_ > silence) ||
      (writing_ && now - write_began_ > kWriteLimit)) {
    call_->TryCancel();
  }
}

bool Session::TakeHeard() {
  const std::lock_guard lock(mutex_);
  return std::exchange(heard_, false);
}

void Session::Refuse(const Error& error) {
  spdlog::warn("{}: stream refused: {}", host_.value(), error.message());
  context_.metrics.refused.Increment();
  Finish(ToGrpc(error));
}

void Session::ReadNext() {
  const std::lock_guard lock(mutex_);
  if (!finishing_) StartReadLocked();
}

void Session::Send(v1::ConnectResponse response) {
  const std::lock_guard lock(mutex_);
  SendLocked(std::move(response));
}

void Session::SendLocked(v1::ConnectResponse response) {
  if (finishing_) return;
  if (outgoing_.size() >= kMaxOutgoing) return call_->TryCancel();
  outgoing_.push_back(std::move(response));
  if (writing_) return;
  writing_ = true;
  write_began_ = steady_clock::now();
  StartWrite(&outgoing_.front());
}

void Session::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  outgoing_.pop_front();
  if (!ok) outgoing_.clear();
  if (!outgoing_.empty()) {
    writing_ = true;
    write_began_ = steady_clock::now();
    StartWrite(&outgoing_.front());
  } else if (finishing_ && !finished_) {
    finished_ = true;
    grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>::Finish(final_status_);
  }
}

void Session::Finish(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  FinishLocked(status);
}

// Exactly one Finish reaches gRPC, after the last write.
void Session::FinishLocked(const grpc::Status& status) {
  if (finishing_) return;
  finishing_ = true;
  final_status_ = status;
  if (writing_) return;
  finished_ = true;
  grpc::ServerBidiReactor<v1::ConnectRequest, v1::ConnectResponse>::Finish(status);
}

void Session::OnCancel() { Finish(grpc::Status::CANCELLED); }

void Session::OnDone() {
  context_.registry.Remove(*this);
  bool welcomed = false;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    welcomed = welcomed_;
  }
  if (welcomed) {
    context_.metrics.streams.Decrement();
    spdlog::info("{}: disconnected", host_.value());
    NoteEnd(epoch_);
  }
  const auto last = std::move(self_);  // may destroy this session when it leaves the scope
}

// Has the database told that the stream of `epoch` is over.
void Session::NoteEnd(std::uint64_t epoch) {
  auto job = [&database = context_.database, host = host_, epoch] {
    (void)database.Transact([&](Transaction& t) -> Status {
      EndSession(t, host, epoch);
      return {};
    });
  };
  // If there is no room, the next start of the controller or of the stream puts it right.
  (void)context_.workers.Run(std::move(job));
}

void SessionRegistry::Add(const std::shared_ptr<Session>& session) {
  const std::lock_guard lock(mutex_);
  all_[session.get()] = session;
}

std::shared_ptr<Session> SessionRegistry::Replace(const std::shared_ptr<Session>& session,
                                                  std::uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  Newest& newest = by_host_[session->host()];
  if (newest.epoch > epoch && !newest.session.expired()) return session;
  auto older = newest.session.lock();
  newest = {epoch, session};
  return older;
}

void SessionRegistry::Remove(const Session& session) {
  const std::lock_guard lock(mutex_);
  all_.erase(&session);
  const auto found = by_host_.find(session.host());
  if (found == by_host_.end()) return;
  const auto current = found->second.session.lock();
  if (!current || current.get() == &session) by_host_.erase(found);
}

std::vector<std::shared_ptr<Session>> SessionRegistry::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Session>> sessions;
  for (const auto& [address, weak] : all_) {
    if (auto session = weak.lock()) sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace remapfleet
