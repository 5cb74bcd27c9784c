#pragma once

#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

// Sets the counters that have a name of their own, the parts of packed raw values and what is used
// of the endurance, from `health.attributes()` and the drive's model: by tables of what vendors put
// where. What is set already stays.
void SetAtaCounters(v1::DriveHealth& health);

}  // namespace remapfleet::agent
