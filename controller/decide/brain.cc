#include "controller/decide/brain.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/history/desired.h"
#include "controller/history/plans.h"
#include "controller/predict/rules.h"

namespace remapfleet {
namespace {

constexpr std::chrono::milliseconds kPoll{1000};
// Of one drive in one transaction; a storm takes several.
constexpr int kEvidenceAtOnce = 1000;
constexpr std::chrono::hours kNeighbourWindow{24};
constexpr std::chrono::seconds kAfterFailure{60};
// Long enough for the node to have used the blocks again and to have reported it.
constexpr std::chrono::seconds kEffectAge{60};

std::optional<std::uint64_t> Increase(bool has_now, std::uint64_t now, bool has_then,
                                      std::uint64_t then) {
  if (!has_now || !has_then) return std::nullopt;
  return now > then ? now - then : 0;
}

DriveFeatures FeaturesOf(const DriveFacts& facts) {
  DriveFeatures f;
  const v1::DriveHealth& now = facts.device.health();
  if (now.has_smart_passed()) f.smart_passed = now.smart_passed();
  if (now.has_reallocated_sectors()) f.reallocated_sectors = now.reallocated_sectors();
  if (now.has_pending_sectors()) f.pending_sectors = now.pending_sectors();
  if (now.has_offline_uncorrectable_sectors()) {
    f.offline_uncorrectable_sectors = now.offline_uncorrectable_sectors();
  }
  if (now.has_reported_uncorrectable_errors()) {
    f.reported_uncorrectable_errors = now.reported_uncorrectable_errors();
  }
  for (const v1::DriveHealth& day : facts.health_day_ago) {
    f.reallocated_day = Increase(now.has_reallocated_sectors(), now.reallocated_sectors(),
                                 day.has_reallocated_sectors(), day.reallocated_sectors());
    f.pending_day = Increase(now.has_pending_sectors(), now.pending_sectors(),
                             day.has_pending_sectors(), day.pending_sectors());
  }
  for (const v1::DriveHealth& week : facts.health_week_ago) {
    f.reallocated_week = Increase(now.has_reallocated_sectors(), now.reallocated_sectors(),
                                  week.has_reallocated_sectors(), week.reallocated_sectors());
    f.reported_week =
        Increase(now.has_reported_uncorrectable_errors(), now.reported_uncorrectable_errors(),
                 week.has_reported_uncorrectable_errors(), week.reported_uncorrectable_errors());
  }
  f.read_errors = static_cast<std::uint64_t>(facts.read_errors);
  f.write_errors = static_cast<std::uint64_t>(facts.write_errors);
  f.weak_blocks = static_cast<std::uint64_t>(facts.weak_blocks);
  const auto counter = [&facts](const char* key) {
    const auto& counters = facts.device.remap().counters();
    const auto found = counters.find(key);
    return found == counters.end() ? 0 : found->second;
  };
  f.target_pending = counter("pending");
  f.target_lost = counter("lost");
  f.target_remaps = counter("remaps");
  return f;
}

}  // namespace

Result<DriveView> ViewOf(Transaction& transaction, const DriveKey& key) {
  const auto facts = FactsOf(transaction, key);
  if (!facts) return Fail(facts.error());
  const auto spec = SpecOnDrive(transaction, key.host, key.drive);
  if (!spec) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("no remap device is managed on {}: name it in the agent's configuration",
                    key.drive.value()));
  }
  DriveView view;
  view.host_id = key.host.value();
  view.drive = facts->device.drive();
  view.spec = *spec;
  view.status = facts->device.remap();
  view.plans = OpenPlans(transaction, key.host, key.drive);
  view.recent_errors = RecentErrors(transaction, key, kNeighbourWindow);
  view.auto_blocks_in_last_day = AutomaticBlocksInLastDay(transaction, key.host, key.drive);
  return view;
}

Brain::Brain(Database& database, const Clock& clock, Metrics& metrics, const Policy& policy)
    : database_(database), clock_(clock), metrics_(metrics), policy_(policy) {}

Brain::~Brain() { Stop(); }

void Brain::Start() {
  thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
}

void Brain::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Brain::Run(std::stop_token stop) {
  Listener listener(database_.url(), kEvidenceChannel);
  std::string failure;
  while (!stop.stop_requested()) {
    const Status status = Tick();
    const std::string now = status ? "" : status.error().message();
    if (now != failure) {
      if (now.empty()) {
        spdlog::info("decisions go on");
      } else {
        spdlog::error("decisions wait: {}", now);
      }
    }
    failure = now;
    listener.Wait(kPoll);
  }
}

Status Brain::Tick() {
  auto keys = database_.Query<std::vector<DriveKey>>(
      [](Transaction& t) -> Result<std::vector<DriveKey>> { return DrivesWithEvidence(t, 100); });
  if (!keys) return Fail(keys.error());
  Status first;
  for (const DriveKey& key : *keys) {
    Status decided = DecideOn(key);
    if (decided) continue;
    // Without the database there is no going on; what fails for one drive is no other's matter.
    if (decided.error().code() == Code::kUnavailable) return decided;
    (void)database_.Transact([&](Transaction& t) -> Status {
      PutOffEvidence(t, key, kAfterFailure);
      return {};
    });
    if (first) {
      first = Fail(std::move(decided.error())
                       .Because(fmt::format("{} on {}", key.drive.value(), key.host.value())));
    }
  }
  Status measured = Measure();
  return first ? measured : first;
}

Status Brain::DecideOn(const DriveKey& key) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<v1::Plan> made;
  const Status status = database_.Transact([&](Transaction& t) -> Status {
    made.clear();
    const std::vector<v1::Record> evidence = TakeEvidence(t, key, kEvidenceAtOnce);
    if (evidence.empty()) return {};
    const auto facts = FactsOf(t, key);
    if (!facts) return Fail(facts.error());
    v1::Risk risk = ScoreByRules(FeaturesOf(*facts));
    *risk.mutable_time() = ToProto(clock_.Now());
    StoreRisk(t, key, risk);
    const auto view = ViewOf(t, key);
    if (!view) {
      // Evidence on a drive without a remap device still counts for its risk.
      if (view.error().code() == Code::kFailedPrecondition) return {};
      return Fail(view.error());
    }
    const TimePoint expiry = clock_.Now() + std::chrono::seconds(policy_.approval_expiry_s);
    for (const Decision& decision : Decide(*view, evidence, policy_)) {
      auto plan = InsertPlan(t, decision.plan, decision.block_count, expiry);
      if (!plan) return Fail(plan.error());
      made.push_back(std::move(*plan));
    }
    return {};
  });
  if (!status) {
    metrics_.database_errors.Increment();
    return status;
  }
  metrics_.decide_seconds.Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  for (const v1::Plan& plan : made) {
    const bool automatic = plan.state() == v1::Plan::STATE_APPROVED;
    (automatic ? metrics_.plans_automatic : metrics_.plans_waiting).Increment();
    spdlog::info("plan {} for {} on {}: {} ({})", plan.plan_id(), plan.device_name(),
                 plan.host_id(), plan.reason(), automatic ? "automatic" : "waits for approval");
  }
  return {};
}

Status Brain::Measure() {
  return database_.Transact([](Transaction& t) -> Status {
    ExpirePlans(t);
    for (const v1::Plan& plan : PlansToMeasure(t, kEffectAge)) {
      const std::int64_t errors = ErrorsSinceApplied(t, plan);
      SetEffect(t, plan.plan_id(),
                errors == 0 ? fmt::format("no error in its ranges in the {} s after it was applied",
                                          kEffectAge.count())
                            : fmt::format("{} errors in its ranges since it was applied", errors));
    }
    return {};
  });
}

}  // namespace remapfleet
