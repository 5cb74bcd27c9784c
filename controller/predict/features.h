#pragma once

#include <cstdint>
#include <optional>

namespace remapfleet {

// What the rules look at for one drive. What is absent could not be read, and is not zero.
struct DriveFeatures {
  std::optional<std::uint64_t> reallocated_sectors;
  std::optional<std::uint64_t> pending_sectors;
  std::optional<std::uint64_t> offline_uncorrectable_sectors;
  std::optional<std::uint64_t> reported_uncorrectable_errors;
  // Increases since a day and a week ago; absent without a sample that old.
  std::optional<std::uint64_t> reallocated_day;
  std::optional<std::uint64_t> reallocated_week;
  std::optional<std::uint64_t> pending_day;
  std::optional<std::uint64_t> reported_week;
  std::optional<bool> smart_passed;
  // Over the last 24 hours, from the node's kernel.
  std::uint64_t read_errors = 0;
  std::uint64_t write_errors = 0;
  std::uint64_t weak_blocks = 0;
  // From the remap target.
  std::uint64_t target_pending = 0;
  std::uint64_t target_lost = 0;
  std::uint64_t target_remaps = 0;
};

}  // namespace remapfleet
