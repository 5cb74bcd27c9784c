#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/disks/json_reader.h"
#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

// From an output of smartctl, what the drive's own logs hold. `health.drive` is filled already. A
// place is given only where the log names it exactly, and on the drive.
void FillLoggedErrors(const JsonReader& reader, v1::DriveHealth& health);
void FillSelfTests(const JsonReader& reader, v1::DriveHealth& health);

// Smartctl writes an LBA as a number, or as {"value": …} where it is NVMe's.
std::optional<std::uint64_t> SmartctlLba(const JsonReader& entry, std::string_view path);

}  // namespace remapfleet::agent
