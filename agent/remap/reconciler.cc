#include "agent/remap/reconciler.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "support/spec_hash.h"

namespace remapfleet::agent {
namespace {

v1::Outcome MakeOutcome(const v1::Desired& desired, v1::Outcome::Stage stage) {
  v1::Outcome outcome;
  outcome.set_kind(desired.kind());
  outcome.set_generation(desired.generation());
  outcome.set_nonce(desired.nonce());
  outcome.set_plan_id(desired.remap_device().plan_id());
  outcome.set_stage(stage);
  return outcome;
}

v1::Outcome MakeRejection(const v1::Desired& desired, const Error& error) {
  v1::Outcome outcome = MakeOutcome(desired, v1::Outcome::STAGE_REJECTED);
  outcome.set_error_code(static_cast<int>(error.code()));
  outcome.set_error_message(error.message());
  return outcome;
}

bool IsFinal(const v1::Outcome& outcome) {
  return outcome.stage() == v1::Outcome::STAGE_APPLIED ||
         outcome.stage() == v1::Outcome::STAGE_REJECTED;
}

Status CheckForm(const v1::Desired& desired) {
  if (desired.kind() != KindOf(desired.remap_device()) || desired.generation() == 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("kind \"{}\" generation {} does not fit device \"{}\"", desired.kind(),
                            desired.generation(), desired.remap_device().device_name()));
  }
  if (desired.spec_sha256() != SpecHash(desired.remap_device())) {
    return Fail(Code::kDataLoss,
                "the spec does not have the hash that came with it: send it again");
  }
  return {};
}

Status CheckExpiry(const v1::Desired& desired, TimePoint now) {
  if (!desired.has_expires_at() || FromProto(desired.expires_at()) > now) return {};
  return Fail(Code::kDeadlineExceeded, "it expired before it could be started");
}

}  // namespace

const AllowedDevice* Reconciler::Find(const std::string& kind) const {
  for (const AllowedDevice& allowed : allowed_) {
    if (kind == "remap/" + allowed.name) return &allowed;
  }
  return nullptr;
}

bool Reconciler::Send(const v1::Outcome& outcome) {
  const auto sent = report_(outcome);
  if (!sent) {
    spdlog::error("{}: the outcome of generation {} cannot be stored: {}", outcome.kind(),
                  outcome.generation(), sent.error().message());
  }
  return sent.has_value();
}

// Of what was not taken nothing is kept: if this is lost, the controller sends it again.
void Reconciler::Reject(const v1::Desired& desired, const Error& error) {
  spdlog::warn("remap {}: rejected generation {}: {}", desired.remap_device().device_name(),
               desired.generation(), error.ToString());
  (void)Send(MakeRejection(desired, error));
}

void Reconciler::Start() {
  for (const AllowedDevice& allowed : allowed_) StartOne(allowed);
}

void Reconciler::Retry() {
  for (const AllowedDevice& allowed : allowed_) {
    if (up_.find(allowed.name) != up_.end() && applier_.assembler().IsGone(allowed.name)) {
      spdlog::error("remap {}: somebody has removed it; the configuration wants it back",
                    allowed.name);
      up_.erase(allowed.name);
    }
    if (up_.find(allowed.name) == up_.end()) TryBringUp(allowed);
  }
}

void Reconciler::StartOne(const AllowedDevice& allowed) {
  TryBringUp(allowed);
  auto newest = store_.Newest("remap/" + allowed.name);
  if (!newest) return spdlog::error("remap {}: {}", allowed.name, newest.error().message());
  if (!*newest) return;
  if (!IsFinal((*newest)->outcome)) return Run(**newest);
  if (!(*newest)->told) Tell(**newest);
}

void Reconciler::TryBringUp(const AllowedDevice& allowed) {
  const auto up = BringUpLast(allowed);
  if (up) {
    down_.erase(allowed.name);
    return;
  }
  std::string& said = down_[allowed.name];
  if (said == up.error().message()) return;
  said = up.error().message();
  spdlog::error("remap {}: not as it should be: {}", allowed.name, up.error().ToString());
}

// The layout comes from the configuration in any case; what was applied adds to it and must fit.
Status Reconciler::BringUpLast(const AllowedDevice& allowed) {
  auto spec = SpecFromConfig(allowed, find_drive_);
  if (!spec) return Fail(spec.error());
  auto good = store_.LastGood("remap/" + allowed.name);
  if (!good) return Fail(good.error());
  if (*good) *spec = (*good)->desired.remap_device();
  auto layout = MakeLayout(*spec, allowed, find_drive_);
  if (!layout) return Fail(layout.error());
  if (auto up = BringUp(*spec, *layout); !up) return up;
  spdlog::info("remap {}: up on {} ({})", allowed.name, layout->main.identity.path(),
               layout->main.identity.drive_id());
  if (!*good) return {};
  // Ranges and settings that were applied once: normally there already.
  auto applied = applier_.Apply(*spec, *layout, *spec);
  if (!applied) return Fail(applied.error());
  return {};
}

Status Reconciler::BringUp(const v1::RemapDeviceSpec& spec, const Layout& layout) {
  auto pinned = store_.Pinned(KindOf(spec));
  if (!pinned) return Fail(pinned.error());
  if (*pinned) {
    const Status same = CheckPin(**pinned, layout, store_.PinPath(KindOf(spec)));
    if (!same) return same;
  }
  if (auto up = applier_.assembler().BringUp(layout, pinned->has_value()); !up) return up;
  up_[layout.name] = layout;
  if (*pinned) return {};
  return store_.Pin(spec);
}

void Reconciler::Handle(const v1::Desired& desired) {
  if (auto form = CheckForm(desired); !form) return Reject(desired, form.error());
  auto newest = store_.Newest(desired.kind());
  if (!newest) return Reject(desired, newest.error());
  if (AnswerKnown(desired, *newest)) return;
  if (auto time = CheckExpiry(desired, clock_.Now()); !time) return Reject(desired, time.error());
  auto layout = CheckAll(desired);
  if (!layout) return Reject(desired, layout.error());
  StoredDesired stored{desired, {}, false};
  if (auto saved = store_.Save(stored); !saved) return Reject(desired, saved.error());
  Run(std::move(stored));
}

bool Reconciler::AnswerKnown(const v1::Desired& desired,
                             const std::optional<StoredDesired>& newest) {
  if (!newest || desired.generation() > newest->desired.generation()) return false;
  if (desired.generation() < newest->desired.generation()) {
    Reject(desired, {Code::kFailedPrecondition,
                     fmt::format("generation {} is older than {}, which this node has",
                                 desired.generation(), newest->desired.generation())});
    return true;
  }
  if (desired.spec_sha256() != newest->desired.spec_sha256()) {
    Reject(desired, {Code::kAborted, fmt::format("generation {} is known with another content",
                                                 desired.generation())});
    return true;
  }
  StoredDesired again{desired, newest->outcome, false};
  if (!IsFinal(again.outcome)) {
    again.outcome.Clear();  // the new nonce wants its own ACCEPTED
    Run(std::move(again));
    return true;
  }
  again.outcome.set_nonce(desired.nonce());
  if (again.outcome.stage() == v1::Outcome::STAGE_APPLIED) {
    // Normally a no-op: it says what is true now, not what was true then.
    auto layout = CheckAll(desired);
    auto read_back = layout ? applier_.Apply(desired.remap_device(), *layout, {})
                            : Result<v1::ReadBack>(Fail(layout.error()));
    if (!read_back) {
      Reject(desired, read_back.error());
      return true;
    }
    *again.outcome.mutable_read_back() = *read_back;
  }
  (void)Send(again.outcome);
  return true;
}

// Brings the device up, which the configuration allows in any case, and checks all that can be
// checked before anything of the new state is begun.
Result<Layout> Reconciler::CheckAll(const v1::Desired& desired) {
  const AllowedDevice* allowed = Find(desired.kind());
  if (allowed == nullptr) {
    return Fail(Code::kPermissionDenied,
                fmt::format("this node's configuration has no device \"{}\"",
                            desired.remap_device().device_name()));
  }
  auto layout = MakeLayout(desired.remap_device(), *allowed, find_drive_);
  if (!layout) return layout;
  if (auto up = BringUp(desired.remap_device(), *layout); !up) return Fail(up.error());
  if (auto checked = applier_.Check(desired.remap_device(), *layout); !checked) {
    return Fail(checked.error());
  }
  return layout;
}

// `stored` is durable. Reports ACCEPTED once, then executes now or when it is due.
void Reconciler::Run(StoredDesired stored) {
  if (stored.outcome.stage() != v1::Outcome::STAGE_ACCEPTED) {
    stored.outcome = MakeOutcome(stored.desired, v1::Outcome::STAGE_ACCEPTED);
    (void)Send(stored.outcome);
    // If this fails, a restart reports ACCEPTED once more, and that is all.
    if (auto saved = store_.Save(stored); !saved) {
      spdlog::error("{}: {}", stored.desired.kind(), saved.error().message());
    }
  }
  // A newer state of the same kind replaces one that still waits, and speaks for one whose outcome
  // could not be reported.
  waiting_.erase(stored.desired.kind());
  untold_.erase(stored.desired.kind());
  if (stored.desired.has_not_before() && FromProto(stored.desired.not_before()) > clock_.Now()) {
    waiting_.insert_or_assign(stored.desired.kind(), std::move(stored));
    return;
  }
  Execute(std::move(stored));
}

void Reconciler::Execute(StoredDesired stored) {
  const v1::Desired& desired = stored.desired;
  const auto begin = std::chrono::steady_clock::now();
  const auto in_time = CheckExpiry(desired, clock_.Now());
  auto layout = in_time ? CheckAll(desired) : Result<Layout>(Fail(in_time.error()));
  const auto good = store_.LastGood(desired.kind());
  const auto before = good && *good ? (*good)->desired.remap_device() : v1::RemapDeviceSpec();
  auto read_back = layout ? applier_.Apply(desired.remap_device(), *layout, before)
                          : Result<v1::ReadBack>(Fail(layout.error()));
  if (read_back) {
    std::uint64_t pending = 0;
    remap_status status{};
    if (remap_status_parse(read_back->status().c_str(), &status) == 0) pending = status.pending;
    spdlog::info("remap {}: applied generation {}: {} blocks moved, {} pending ({} ms)",
                 layout->name, desired.generation(), read_back->blocks_remapped(), pending,
                 std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::steady_clock::now() - begin)
                     .count());
    stored.outcome = MakeOutcome(desired, v1::Outcome::STAGE_APPLIED);
    *stored.outcome.mutable_read_back() = std::move(*read_back);
  } else {
    spdlog::warn("remap {}: rejected generation {}: {}", desired.remap_device().device_name(),
                 desired.generation(), read_back.error().ToString());
    stored.outcome = MakeRejection(desired, read_back.error());
  }
  Finish(std::move(stored));
}

// Durable before it is reported: what was said of a generation stays said, whatever crashes.
void Reconciler::Finish(StoredDesired stored) {
  stored.told = false;
  if (auto saved = store_.Save(stored); !saved) {
    spdlog::error("{}: the outcome of generation {} cannot be kept, and is not reported yet: {}",
                  stored.desired.kind(), stored.desired.generation(), saved.error().message());
    untold_.insert_or_assign(stored.desired.kind(), std::move(stored));
    return;
  }
  Tell(std::move(stored));
}

// A crash between the two reports it twice rather than never.
void Reconciler::Tell(StoredDesired stored) {
  if (!Send(stored.outcome)) {
    untold_.insert_or_assign(stored.desired.kind(), std::move(stored));
    return;
  }
  untold_.erase(stored.desired.kind());
  stored.told = true;
  if (auto saved = store_.Save(stored); !saved) {
    spdlog::error("{}: {}", stored.desired.kind(), saved.error().message());
  }
}

std::optional<TimePoint> Reconciler::RunDue() {
  for (auto& [kind, stored] : std::exchange(untold_, {})) Finish(std::move(stored));
  std::vector<StoredDesired> due;
  std::optional<TimePoint> next;
  for (const auto& [kind, stored] : waiting_) {
    const TimePoint time = FromProto(stored.desired.not_before());
    if (time <= clock_.Now()) {
      due.push_back(stored);
    } else if (!next || time < *next) {
      next = time;
    }
  }
  for (StoredDesired& stored : due) {
    waiting_.erase(stored.desired.kind());
    Execute(std::move(stored));
  }
  return next;
}

std::vector<v1::Desired> Reconciler::Known() const {
  std::vector<v1::Desired> known;
  for (const AllowedDevice& allowed : allowed_) {
    auto newest = store_.Newest("remap/" + allowed.name);
    if (newest && *newest) known.push_back((*newest)->desired);
  }
  return known;
}

std::vector<Layout> Reconciler::Up() const {
  std::vector<Layout> layouts;
  for (const auto& [name, layout] : up_) layouts.push_back(layout);
  return layouts;
}

}  // namespace remapfleet::agent
