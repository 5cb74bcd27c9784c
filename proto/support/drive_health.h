#pragma once

#include "remapfleet/v1/types.pb.h"

namespace remapfleet {

// Whether the drive has said anything of its health. One that sleeps or does not answer has not:
// what was known of it before is what is known.
inline bool HasReadings(const v1::DriveHealth& health) {
  return health.has_smart_passed() || health.has_power_on_hours() ||
         health.has_temperature_celsius() || health.attributes_size() != 0;
}

}  // namespace remapfleet
