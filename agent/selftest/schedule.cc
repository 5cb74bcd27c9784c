#include "agent/selftest/schedule.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>

namespace remapfleet::agent {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;

constexpr days kGrace{1};

// FNV-1a, and the finish of MurmurHash3, which spreads names that differ in one digit: stable in
// all builds, as std::hash is not.
std::uint64_t StableHash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

days IntervalOf(const SelfTestPlan& plan, SelfTestKind kind) {
  return kind == SelfTestKind::kShort ? plan.short_interval : plan.extended_interval;
}

minutes WindowLength(const SelfTestPlan& plan) {
  const minutes length = plan.window_end - plan.window_start;
  return length > minutes(0) ? length : length + days(1);
}

struct Due {
  SelfTestKind kind;
  LocalTime turn;
};

std::optional<Due> DueKind(const SelfTestPlan& plan, const SelfTestCandidate& drive,
                           LocalTime since, LocalTime now) {
  for (const SelfTestKind kind : {SelfTestKind::kExtended, SelfTestKind::kShort}) {
    const days interval = IntervalOf(plan, kind);
    if (interval == days(0)) continue;
    const LocalTime turn = TurnOf(plan, drive.drive_id, kind, now);
    if (turn < since - kGrace) continue;
    const auto& age = kind == SelfTestKind::kShort ? drive.since_short : drive.since_extended;
    if (!age || turn - (now - *age) > hours(interval) / 2) return Due{kind, turn};
  }
  return std::nullopt;
}

}  // namespace

const char* NameOf(SelfTestKind kind) {
  return kind == SelfTestKind::kShort ? "short" : "extended";
}

bool InWindow(const SelfTestPlan& plan, LocalTime now) {
  const auto since_start = now - plan.window_start - LocalTime{};
  return since_start - floor<days>(since_start) < WindowLength(plan);
}

LocalTime TurnOf(const SelfTestPlan& plan, const std::string& drive_id, SelfTestKind kind,
                 LocalTime now) {
  const std::uint64_t hash = StableHash(drive_id + "/" + NameOf(kind));
  const auto length = static_cast<std::uint64_t>(WindowLength(plan).count());
  const minutes in_day =
      plan.window_start + minutes(static_cast<std::int64_t>((hash >> 32) % length));
  const auto interval = static_cast<std::uint64_t>(IntervalOf(plan, kind).count());
  const auto phase = in_day + days(static_cast<std::int64_t>((hash & 0xffffffff) % interval));
  const auto since_phase = now.time_since_epoch() - phase;
  const std::int64_t turns = floor<days>(since_phase).count() / static_cast<std::int64_t>(interval);
  return LocalTime(phase + days(turns * static_cast<std::int64_t>(interval)));
}

std::vector<SelfTestStart> ChooseSelfTests(const SelfTestPlan& plan,
                                           const std::vector<SelfTestCandidate>& drives,
                                           LocalTime since, LocalTime now) {
  if (!plan.enabled || !InWindow(plan, now)) return {};
  unsigned running = 0;
  std::map<std::string, unsigned> in_enclosure;
  std::vector<std::tuple<bool, LocalTime, const SelfTestCandidate*>> due;
  for (const SelfTestCandidate& drive : drives) {
    if (drive.running) {
      ++running;
      ++in_enclosure[drive.enclosure];
    } else if (drive.ready) {
      const auto what = DueKind(plan, drive, since, now);
      if (what) due.emplace_back(what->kind == SelfTestKind::kShort, what->turn, &drive);
    }
  }
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a), std::get<2>(a)->drive_id) <
           std::tie(std::get<0>(b), std::get<1>(b), std::get<2>(b)->drive_id);
  });
  std::vector<SelfTestStart> starts;
  for (const auto& [is_short, turn, drive] : due) {
    if (running >= plan.max_per_host) break;
    unsigned& beside = in_enclosure[drive->enclosure];
    if (beside >= plan.max_per_enclosure) continue;
    ++running;
    ++beside;
    starts.push_back({drive->drive_id, is_short ? SelfTestKind::kShort : SelfTestKind::kExtended});
  }
  return starts;
}

}  // namespace remapfleet::agent
