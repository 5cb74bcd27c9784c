#pragma once

#include <string>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// What `smartctl --json` printed of one drive: ATA, NVMe or SCSI. INVALID_ARGUMENT if it is no such
// thing, or describes no drive (a scan, an error). What it does not say stays absent; what it says
// in a form that cannot be understood is absent and among the problems.
Result<v1::DriveHealth> HealthFromSmartctlJson(const std::string& text);

}  // namespace remapfleet::agent
