#include "agent/disks/smartctl_logs.h"

namespace remapfleet::agent {

std::optional<std::uint64_t> SmartctlLba(const JsonReader& entry, std::string_view path) {
  const JsonReader::Json* lba = entry.Find(path);
  if (lba == nullptr) return std::nullopt;
  return entry.Number(lba->is_object() ? std::string(path) + ".value" : std::string(path));
}

}  // namespace remapfleet::agent
