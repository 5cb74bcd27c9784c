#include "agent/disks/sent_logs.h"

#include "support/drive_health.h"
#include "support/spec_hash.h"

namespace remapfleet::agent {
namespace {

// Drives come and go: the memory of those that went must not grow for ever.
constexpr std::size_t kMostDrives = 4096;

void SwapLogs(v1::DriveHealth& left, v1::DriveHealth& right) {
  left.mutable_logged_errors()->Swap(right.mutable_logged_errors());
  left.mutable_self_tests()->Swap(right.mutable_self_tests());
}

}  // namespace

void SentLogs::LeaveOut(v1::DriveHealth& health, TimePoint now) {
  if (!HasReadings(health)) return;
  const std::lock_guard lock(mutex_);
  if (health.logged_errors().empty() && health.self_tests().empty()) {
    // As the controller now knows it.
    sent_.erase(health.drive().drive_id());
    return;
  }
  v1::DriveHealth logs;
  SwapLogs(logs, health);
  std::string hash = MessageHash(logs);
  if (sent_.size() >= kMostDrives) sent_.clear();
  Sent& sent = sent_[health.drive().drive_id()];
  // A clock that was set back tells no age.
  const auto age = now - sent.time;
  if (sent.hash == hash && age >= age.zero() && age < kAgain) {
    health.set_logs_unchanged(true);
    return;
  }
  sent = {std::move(hash), now};
  SwapLogs(logs, health);
}

void SentLogs::Forget() {
  const std::lock_guard lock(mutex_);
  sent_.clear();
}

}  // namespace remapfleet::agent
