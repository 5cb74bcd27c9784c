#include "agent/health_thread.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "support/drive_health.h"

namespace remapfleet::agent {
namespace {

// Drives do not hold it up; the spool's disk may.
constexpr std::chrono::minutes kAlive{2};

v1::DriveHealth Unanswered(const Drive& drive, std::string problem) {
  v1::DriveHealth health;
  *health.mutable_drive() = drive.identity;
  health.add_problems(std::move(problem));
  return health;
}

}  // namespace

HealthThread::HealthThread(DriveTable& drives, std::vector<Drive> members,
                           std::shared_ptr<SmartSource> source, RecordSink& sink, AgentState& state,
                           const Clock& clock, HealthTiming timing, Heartbeats& heartbeats,
                           LatencyWatch& latency, OnHealth on_health)
    : drives_(drives),
      members_(std::move(members)),
      sink_(sink),
      state_(state),
      clock_(clock),
      timing_(timing),
      latency_(latency),
      on_health_(std::move(on_health)),
      heart_(heartbeats.Add("health", kAlive)),
      readers_(std::move(source), timing.at_once, timing.limit,
               [this](const Drive& drive, v1::DriveHealth health) {
                 const std::lock_guard lock(mutex_);
                 answers_.emplace_back(drive, std::move(health));
                 changed_.notify_all();
               }),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

HealthThread::~HealthThread() = default;

void HealthThread::Look() {
  const std::lock_guard lock(mutex_);
  look_ = true;
  changed_.notify_all();
}

void HealthThread::Run(std::stop_token stop) {
  auto round = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    heart_->Beat();
    const auto now = std::chrono::steady_clock::now();
    if (now >= round) {
      FindDrives();
      StartRound();
      TellLatency();
      round = now + timing_.interval;
    }
    Report(TakeOverdue(now));
    std::vector<v1::Record> records;
    bool look = false;
    const Time wake =
        std::min({round, readers_.NextOverdue().value_or(round), now + Heartbeats::kInterval});
    for (Answer& answer : Await(stop, wake, look)) {
      unanswered_.erase(answer.first.identity.path());
      records.push_back(Take(std::move(answer)));
    }
    Report(std::move(records));
    if (look || std::exchange(members_changed_, false)) FindDrives();
  }
}

std::vector<HealthThread::Answer> HealthThread::Await(std::stop_token stop, Time deadline,
                                                      bool& look) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, deadline, [&] { return look_ || !answers_.empty(); });
  look = std::exchange(look_, false);
  return std::exchange(answers_, {});
}

std::vector<v1::Record> HealthThread::TakeOverdue(Time now) {
  const auto limit = std::chrono::duration_cast<std::chrono::seconds>(timing_.limit);
  std::vector<v1::Record> records;
  for (const Drive& drive : readers_.TakeOverdue(now)) {
    unanswered_[drive.identity.path()] = clock_.Now();
    records.push_back(Take(
        {drive, Unanswered(drive, fmt::format("it has not answered within {} s", limit.count()))}));
  }
  return records;
}

// What has come is read at once; of what has gone, nothing is shown any more.
void HealthThread::FindDrives() {
  drives_.Rescan();
  std::set<std::string> ids;
  for (const auto& [path, identity] : known_members_) ids.insert(identity.drive_id());
  for (const Drive& drive : drives_.All()) {
    ids.insert(drive.identity.drive_id());
    if (ids_.contains(drive.identity.drive_id())) continue;
    spdlog::info("{} is there: {}", drive.identity.path(), drive.identity.drive_id());
    readers_.Start(drive);
  }
  for (const std::string& id : ids_) {
    if (!ids.contains(id)) spdlog::warn("{} is gone", id);
  }
  const bool changed = ids != ids_;
  ids_ = std::move(ids);
  state_.Keep(ids_);
  // Who a member is was not kept: before each was asked, it would seem to have gone.
  if (asked_members_.size() < members_.size()) return;
  if (std::exchange(told_, true) && !changed) return;
  TellInventory();
}

void HealthThread::TellInventory() {
  v1::Record record;
  *record.mutable_time() = ToProto(clock_.Now());
  v1::DriveInventory& inventory = *record.mutable_inventory();
  for (const Drive& drive : drives_.All()) *inventory.add_drives() = drive.identity;
  for (const auto& [path, identity] : known_members_) *inventory.add_drives() = identity;
  Report({record});
}

void HealthThread::StartRound() {
  std::vector<Drive> all = drives_.All();
  all.insert(all.end(), members_.begin(), members_.end());
  std::vector<v1::Record> records;
  for (const Drive& drive : all) {
    if (readers_.Start(drive)) continue;
    const auto since = unanswered_.find(drive.identity.path());
    if (since == unanswered_.end()) continue;  // it came a moment ago
    records.push_back(
        Take({drive, Unanswered(drive, "it has not answered since " + FormatTime(since->second))}));
  }
  Report(std::move(records));
}

void HealthThread::TellLatency() {
  std::vector<v1::Record> records;
  for (v1::DriveLatency& latency : latency_.Look(drives_.All(), std::chrono::steady_clock::now())) {
    if (latency.has_peers()) state_.SetSlow(latency.drive_id(), latency.peers().slow());
    v1::Record& record = records.emplace_back();
    *record.mutable_time() = ToProto(clock_.Now());
    *record.mutable_latency() = std::move(latency);
  }
  Report(std::move(records));
}

v1::Record HealthThread::Take(Answer answer) {
  auto& [drive, health] = answer;
  const bool read = HasReadings(health);
  // Who a member is, only itself can say; while it says nothing it is who it was.
  if (drive.major == 0) {
    members_changed_ |= asked_members_.insert(drive.identity.path()).second;
    if (read) {
      known_members_[drive.identity.path()] = health.drive();
      members_changed_ |= !ids_.contains(health.drive().drive_id());
    }
  }
  if (drive.major == 0 && !read) {
    const auto known = known_members_.find(drive.identity.path());
    if (known != known_members_.end()) *health.mutable_drive() = known->second;
  }
  NoteSilence(drive, health, read);
  if (!drive.problem.empty()) health.add_problems(drive.problem);
  const TimePoint now = clock_.Now();
  if (read) {
    state_.SetHealth(health, now);
  } else {
    state_.SetSilent(health);
  }
  if (on_health_) on_health_(drive, health);
  v1::Record record;
  *record.mutable_time() = ToProto(now);
  *record.mutable_health() = std::move(health);
  sent_logs_.LeaveOut(*record.mutable_health(), now);
  return record;
}

// Said once, when it begins and when it ends.
void HealthThread::NoteSilence(const Drive& drive, const v1::DriveHealth& health, bool read) {
  const std::string& path = drive.identity.path();
  if (read) {
    if (silent_.erase(path) != 0) spdlog::info("{} answers again", path);
    return;
  }
  if (health.problems_size() == 0 || drive.access == SmartAccess::kNone) return;
  if (silent_.insert(path).second) spdlog::warn("{}: {}", path, health.problems(0));
}

void HealthThread::Report(std::vector<v1::Record> records) {
  if (records.empty()) return;
  if (const auto stored = sink_.Append(std::move(records)); !stored) {
    spdlog::error("drive health cannot be stored: {}", stored.error().message());
    sent_logs_.Forget();
  }
}

}  // namespace remapfleet::agent
