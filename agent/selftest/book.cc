#include "agent/selftest/book.h"

#include <algorithm>

#include "support/drive_health.h"

namespace remapfleet::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using v1::SelfTest;

constexpr minutes kLogAge{65};
constexpr hours kGone{25};  // healths are read at least once a day
constexpr hours kAfterOrder{12};
constexpr hours kAfterRefusal{24};
constexpr int kMediumError = 61;  // ENODATA, as the block layer's own for a place that is bad

// ATA logs hours modulo 65536; counters may be an hour apart in rounding.
std::optional<hours> AgeOf(const SelfTest& test, const v1::DriveHealth& health) {
  if (!test.has_power_on_hours() || !health.has_power_on_hours()) return std::nullopt;
  constexpr std::uint64_t kWrap = 65536;
  const std::uint64_t age = (health.power_on_hours() - test.power_on_hours()) % kWrap;
  return hours(age >= kWrap - 2 ? 0 : static_cast<std::int64_t>(age));
}

bool SaysSomething(const SelfTest& test) {
  return test.result() == SelfTest::RESULT_PASSED ||
         test.result() == SelfTest::RESULT_READ_FAILURE ||
         test.result() == SelfTest::RESULT_OTHER_FAILURE;
}

void TakeYounger(std::optional<hours>& known, std::optional<hours> age) {
  if (age && (!known || *age < *known)) known = age;
}

// Its log holds what was found since the order, at most some minutes before by the drive's hours.
std::optional<v1::IoError> FailureSince(TimePoint ordered, const v1::DriveHealth& health,
                                        TimePoint now) {
  for (const SelfTest& test : health.self_tests()) {
    const auto age = AgeOf(test, health);
    if (test.result() != SelfTest::RESULT_READ_FAILURE || !test.has_first_error()) continue;
    if (!age || *age > std::chrono::ceil<hours>(now - ordered)) continue;
    v1::IoError error;
    error.set_drive_id(health.drive().drive_id());
    *error.mutable_range() = test.first_error();
    error.set_operation(v1::IoError::OPERATION_READ);
    error.set_errno_value(kMediumError);
    error.set_count(1);
    *error.mutable_time() = ToProto(now);
    error.set_provoked(true);
    return error;
  }
  return std::nullopt;
}

}  // namespace

std::optional<v1::IoError> SelfTestBook::Take(const Drive& drive, const std::string& enclosure,
                                              const v1::DriveHealth& health, TimePoint now) {
  Entry& entry = drives_[health.drive().drive_id()];
  entry.drive = drive;
  entry.heard = now;
  entry.candidate.drive_id = health.drive().drive_id();
  entry.candidate.enclosure = enclosure;
  entry.candidate.ready = HasReadings(health) && drive.access != SmartAccess::kNone &&
                          health.power_state() != v1::DriveHealth::POWER_STATE_STANDBY;
  if (health.power_state() == v1::DriveHealth::POWER_STATE_STANDBY) entry.candidate.running = false;
  if (!HasReadings(health)) return std::nullopt;
  entry.read = now;
  entry.candidate.running = false;
  entry.candidate.since_short.reset();
  entry.candidate.since_extended.reset();
  for (const SelfTest& test : health.self_tests()) {
    entry.candidate.running |= test.result() == SelfTest::RESULT_RUNNING;
    if (!SaysSomething(test)) continue;
    const bool extended = test.kind() == SelfTest::KIND_EXTENDED;
    if (!extended && test.kind() != SelfTest::KIND_SHORT) continue;
    TakeYounger(entry.candidate.since_short, AgeOf(test, health));
    if (extended) TakeYounger(entry.candidate.since_extended, AgeOf(test, health));
  }
  if (!entry.ordered || entry.candidate.running || now - *entry.ordered < kLogAge) {
    return std::nullopt;
  }
  const TimePoint ordered = *entry.ordered;
  entry.ordered.reset();
  return FailureSince(ordered, health, now);
}

void SelfTestBook::Order(const std::string& drive_id, TimePoint now) {
  Entry& entry = drives_[drive_id];
  entry.ordered = now;
  // One that leaves nothing in the log is not asked again at once.
  entry.not_before = now + kAfterOrder;
}

void SelfTestBook::Refused(const std::string& drive_id, TimePoint now) {
  const auto found = drives_.find(drive_id);
  if (found == drives_.end()) return;
  found->second.ordered.reset();
  found->second.not_before = now + kAfterRefusal;
}

std::vector<SelfTestCandidate> SelfTestBook::Candidates(TimePoint now) {
  std::erase_if(drives_, [&](const auto& entry) { return now - entry.second.heard > kGone; });
  std::vector<SelfTestCandidate> candidates;
  for (const auto& [id, entry] : drives_) {
    SelfTestCandidate candidate = entry.candidate;
    candidate.running |= entry.ordered.has_value();
    candidate.ready &= now >= entry.not_before;
    const auto later = std::chrono::floor<hours>(now - entry.read);
    if (candidate.since_short) *candidate.since_short += later;
    if (candidate.since_extended) *candidate.since_extended += later;
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

std::optional<Drive> SelfTestBook::Find(const std::string& drive_id) const {
  const auto found = drives_.find(drive_id);
  return found == drives_.end() ? std::nullopt : std::optional(found->second.drive);
}

}  // namespace remapfleet::agent
