#include "agent/disks/ata_logs.h"

#include <fmt/format.h>

#include <utility>

namespace remapfleet::agent {
namespace {

constexpr std::chrono::hours kBetween{1};

// What moves when a log gets an entry that matters.
std::string CountersOf(const v1::DriveHealth& health) {
  return fmt::format("{} {} {} {} {}", health.reallocated_sectors(), health.pending_sectors(),
                     health.offline_uncorrectable_sectors(), health.reported_uncorrectable_errors(),
                     health.command_timeouts());
}

// Only what the attributes cannot say; of what both say, the attributes are newer.
v1::DriveHealth LogsOf(v1::DriveHealth read) {
  v1::DriveHealth logs;
  logs.mutable_logged_errors()->Swap(read.mutable_logged_errors());
  logs.mutable_self_tests()->Swap(read.mutable_self_tests());
  logs.mutable_problems()->Swap(read.mutable_problems());
  const auto take = [](bool has, auto set) {
    if (has) set();
  };
  take(read.has_pending_defects(), [&] { logs.set_pending_defects(read.pending_defects()); });
  take(read.has_error_log_entries(), [&] { logs.set_error_log_entries(read.error_log_entries()); });
  take(read.has_percentage_used(), [&] { logs.set_percentage_used(read.percentage_used()); });
  take(read.has_bytes_read(), [&] { logs.set_bytes_read(read.bytes_read()); });
  take(read.has_bytes_written(), [&] { logs.set_bytes_written(read.bytes_written()); });
  take(read.has_read_recovery_limit_ms(),
       [&] { logs.set_read_recovery_limit_ms(read.read_recovery_limit_ms()); });
  take(read.has_write_recovery_limit_ms(),
       [&] { logs.set_write_recovery_limit_ms(read.write_recovery_limit_ms()); });
  if (read.drive().has_rotation_rpm()) {
    logs.mutable_drive()->set_rotation_rpm(read.drive().rotation_rpm());
  }
  return logs;
}

}  // namespace

void AtaLogs::Fill(const Drive& drive, v1::DriveHealth& health, Time now) {
  const std::string& path = drive.identity.path();
  const std::string counters = CountersOf(health);
  Known known;
  {
    const std::lock_guard lock(mutex_);
    known = known_[path];
  }
  const bool fits = known.read != Time{} && known.sequence == drive.sequence;
  if (!fits || known.counters != counters || now - known.read >= kBetween) {
    v1::DriveHealth read;
    *read.mutable_drive() = drive.identity;
    smartctl_->Read(drive, read);
    // It fell asleep meanwhile.
    if (read.power_state() == v1::DriveHealth::POWER_STATE_STANDBY && fits) {
      read = std::move(known.logs);
    }
    known = {drive.sequence, counters, now, LogsOf(std::move(read))};
    const std::lock_guard lock(mutex_);
    known_[path] = known;
  }
  const auto used =
      health.has_percentage_used() ? std::optional(health.percentage_used()) : std::nullopt;
  health.MergeFrom(known.logs);
  if (used) health.set_percentage_used(*used);
}

}  // namespace remapfleet::agent
