#include "agent/disks/sectors.h"

#include <algorithm>
#include <limits>

namespace remapfleet::agent {

bool SetSectors(std::uint64_t lba, const v1::DriveIdentity& drive, v1::SectorRange& range) {
  constexpr std::uint64_t kSector = 512;
  const std::uint64_t block = std::max<std::uint64_t>(drive.logical_block_bytes(), kSector);
  const std::uint64_t end = drive.size_bytes() != 0
                                ? drive.size_bytes() / block
                                : std::numeric_limits<std::uint64_t>::max() / block;
  if (block % kSector != 0 || lba >= end) return false;
  range.set_first_sector(lba * (block / kSector));
  range.set_sector_count(block / kSector);
  return true;
}

}  // namespace remapfleet::agent
