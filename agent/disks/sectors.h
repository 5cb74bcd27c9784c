#pragma once

#include <cstdint>

#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

// Logical block `lba` of the drive in sectors of 512 bytes; false, and `range` as it was, if that
// is not on the drive. A drive that does not say its block size has blocks of 512 bytes.
bool SetSectors(std::uint64_t lba, const v1::DriveIdentity& drive, v1::SectorRange& range);

}  // namespace remapfleet::agent
