#include "agent/disks/smartctl_logs.h"

#include <algorithm>

namespace remapfleet::agent {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

}  // namespace

std::optional<std::uint64_t> SmartctlLba(const JsonReader& entry, std::string_view path) {
  const JsonReader::Json* lba = entry.Find(path);
  if (lba == nullptr) return std::nullopt;
  return entry.Number(lba->is_object() ? std::string(path) + ".value" : std::string(path));
}

bool SetSectors(std::uint64_t lba, const v1::DriveHealth& health, v1::SectorRange& range) {
  const std::uint64_t block =
      std::max<std::uint64_t>(health.drive().logical_block_bytes(), kSectorBytes);
  const std::uint64_t end = health.drive().size_bytes() / block;
  if (block % kSectorBytes != 0 || lba > (~std::uint64_t{0}) / block || (end != 0 && lba >= end)) {
    return false;
  }
  range.set_first_sector(lba * (block / kSectorBytes));
  range.set_sector_count(block / kSectorBytes);
  return true;
}

}  // namespace remapfleet::agent
