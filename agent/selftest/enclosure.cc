#include "agent/selftest/enclosure.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;

// "host12" for "host".
bool IsNumbered(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && name.starts_with(prefix) &&
         std::all_of(name.begin() + static_cast<std::ptrdiff_t>(prefix.size()), name.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::string EnclosureOfPath(const std::string& sysfs_path) {
  fs::path walked;
  std::string adapter;
  std::string expander;
  bool services = false;
  for (const fs::path& part : fs::path(sysfs_path)) {
    const std::string name = part.string();
    // Each ATA port has a SCSI host of its own; what they share is the controller above.
    if (adapter.empty() && IsNumbered(name, "ata")) adapter = walked.string();
    walked /= part;
    if (services) return walked.string();
    services = name == "enclosure";
    if (adapter.empty() && IsNumbered(name, "host")) adapter = walked.string();
    if (name.starts_with("expander-")) expander = walked.string();
  }
  return expander.empty() ? adapter : expander;
}

std::string FindEnclosure(const DriveRoots& roots, const Drive& drive) {
  const std::string& path = drive.identity.path();
  if (drive.major == 0) return path.substr(0, path.find(" ["));
  const fs::path folder = fs::path(roots.sys) / "block" / fs::path(path).filename();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "device", error)) {
    if (!entry.path().filename().string().starts_with("enclosure_device:")) continue;
    const fs::path slot = fs::canonical(entry.path(), error);
    if (!error) return EnclosureOfPath(slot.string());
  }
  return EnclosureOfPath(fs::canonical(folder, error).string());
}

}  // namespace remapfleet::agent
