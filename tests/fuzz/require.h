#pragma once

#include <cmath>
#include <cstdlib>

#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

inline void Require(bool holds) {
  if (!holds) std::abort();
}

inline void RequireRange(const v1::SectorRange& range) {
  Require(range.sector_count() > 0);
  Require(range.first_sector() + range.sector_count() > range.first_sector());
}

// What no drive can be, whatever it says: the controller and the models believe these fields.
inline void RequireHealth(const v1::DriveHealth& health) {
  Require(!health.drive().drive_id().empty());
  if (health.has_temperature_celsius()) {
    Require(std::isfinite(health.temperature_celsius()));
    Require(health.temperature_celsius() > -100 && health.temperature_celsius() < 300);
  }
  if (health.has_available_spare_percent()) Require(health.available_spare_percent() <= 100);
  for (const auto& attribute : health.attributes()) {
    Require(attribute.id() >= 1 && attribute.id() <= 255);
    Require(attribute.raw() < std::uint64_t{1} << 48);
  }
  for (const auto& error : health.logged_errors()) {
    if (error.has_range()) RequireRange(error.range());
  }
  for (const auto& test : health.self_tests()) {
    if (test.has_first_error()) RequireRange(test.first_error());
    if (test.has_remaining_percent()) Require(test.remaining_percent() <= 100);
  }
  // Text that is not UTF-8 would make of the record one that nobody can read.
  v1::DriveHealth again;
  Require(again.ParseFromString(health.SerializeAsString()));
}

}  // namespace remapfleet::agent
