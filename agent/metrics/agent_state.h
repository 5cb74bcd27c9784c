#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "remapfleet/v1/telemetry.pb.h"
#include "support/clock.h"

namespace remapfleet::agent {

// The newest of what the agent knows, for its metrics. Thread-safe.
class AgentState {
 public:
  struct DriveState {
    v1::DriveHealth health;
    TimePoint health_time{};
    v1::RemapStatus remap;  // device_name empty: none
    std::uint64_t io_errors = 0;
    std::optional<bool> slow;  // against its peers; absent until it was compared
  };

  void SetHealth(const v1::DriveHealth& health, TimePoint time) {
    const std::lock_guard lock(mutex_);
    DriveState& drive = drives_[health.drive().drive_id()];
    drive.health = health;
    drive.health_time = time;
  }
  // The drive sleeps or does not answer: what it said before stays.
  void SetSilent(const v1::DriveHealth& health) {
    const std::lock_guard lock(mutex_);
    DriveState& drive = drives_[health.drive().drive_id()];
    *drive.health.mutable_drive() = health.drive();
    drive.health.set_power_state(health.power_state());
  }
  // Forgets the drives with other ids, but for those that a remap device stands on.
  void Keep(const std::set<std::string>& ids) {
    const std::lock_guard lock(mutex_);
    std::erase_if(drives_, [&](const auto& entry) {
      return !ids.contains(entry.first) && entry.second.remap.device_name().empty();
    });
  }
  void SetRemap(const v1::RemapStatus& status) {
    const std::lock_guard lock(mutex_);
    drives_[status.drive_id()].remap = status;
  }
  void SetSlow(const std::string& drive_id, bool slow) {
    const std::lock_guard lock(mutex_);
    drives_[drive_id].slow = slow;
  }
  void CountError(const std::string& drive_id) {
    const std::lock_guard lock(mutex_);
    ++drives_[drive_id].io_errors;
  }
  std::map<std::string, DriveState> Drives() const {
    const std::lock_guard lock(mutex_);
    return drives_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, DriveState> drives_;  // by drive id
};

}  // namespace remapfleet::agent
