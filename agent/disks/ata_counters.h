#pragma once

#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

// Sets the counters that have a name of their own from `health.attributes()`, by the table of which
// attribute counts what and in which of its 48 raw bits.
void SetAtaCounters(v1::DriveHealth& health);

}  // namespace remapfleet::agent
