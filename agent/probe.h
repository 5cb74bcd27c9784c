#pragma once

#include <string>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// One drive's health, from hardware or from a recording of libatasmart's.
Result<v1::DriveHealth> ProbeDevice(const std::string& path);
Result<v1::DriveHealth> ProbeBlob(const std::string& path);
// From what `smartctl --json` printed.
Result<v1::DriveHealth> ProbeSmartctl(const std::string& path);

// As JSON, or as lines for people.
std::string RenderHealth(const v1::DriveHealth& health, bool json);

}  // namespace remapfleet::agent
