#include "agent/disks/drives.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;

std::string Clean(std::string text) {
  for (char& c : text) {
    const bool keep = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
    if (!keep) c = '_';
  }
  return text;
}

std::uint64_t Number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "naa.5000c500a1b2c3d4" or "eui.…": only 64-bit names are unique to a drive and fit the contract.
std::string WwnOf(const std::string& wwid) {
  if (wwid.size() != 20 || (wwid.substr(0, 4) != "naa." && wwid.substr(0, 4) != "eui.")) return {};
  std::string digits = wwid.substr(4);
  for (char& c : digits) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return {};
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return "0x" + digits;
}

// SAT's T10 designator of an ATA disk: vendor "ATA" (8), model (40), serial (20). The model in
// sysfs is cut to 16 characters, this one is whole.
void FillFromT10(const std::string& wwid, v1::DriveIdentity& identity) {
  constexpr std::string_view kPrefix = "t10.ATA     ";
  if (wwid.substr(0, kPrefix.size()) != kPrefix || wwid.size() <= kPrefix.size() + 40) return;
  identity.set_model(Trim(wwid.substr(kPrefix.size(), 40)));
  if (identity.serial().empty()) identity.set_serial(Trim(wwid.substr(kPrefix.size() + 40)));
}

std::string SerialOf(const std::string& folder) {
  // SCSI's unit serial number page: 4 bytes of header, then text.
  const auto page = ReadFile(folder + "/device/vpd_pg80");
  if (page && page->size() > 4) return Trim(std::string_view(*page).substr(4));
  if (auto serial = ReadTrimmed(folder + "/device/serial"); !serial.empty()) return serial;
  return ReadTrimmed(folder + "/serial");
}

std::string ByPath(const std::string& dev, const std::string& kernel_name) {
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dev + "/disk/by-path", error)) {
    if (fs::read_symlink(entry.path(), error).filename() == kernel_name) {
      names.push_back(entry.path().filename());
    }
  }
  return names.empty() ? kernel_name : *std::min_element(names.begin(), names.end());
}

// ATA disks stand behind the kernel's own translation, which names itself as the vendor, or behind
// a host adapter's, which does the same. A USB bridge says what it likes.
SmartAccess AccessOf(const std::string& folder, const std::string& kernel_name) {
  if (kernel_name.starts_with("nvme")) return SmartAccess::kNvme;
  if (!kernel_name.starts_with("sd")) return SmartAccess::kNone;
  std::error_code error;
  const std::string place = fs::canonical(folder, error).string();
  if (place.find("/usb") != std::string::npos) return SmartAccess::kSmartctl;
  return ReadTrimmed(folder + "/device/vendor") == "ATA" ? SmartAccess::kAta
                                                         : SmartAccess::kSmartctl;
}

Drive ReadDrive(const DriveRoots& roots, const std::string& kernel_name) {
  const std::string folder = roots.sys + "/block/" + kernel_name;
  Drive drive;
  v1::DriveIdentity& identity = drive.identity;
  identity.set_path("/dev/" + kernel_name);
  identity.set_size_bytes(Number(ReadTrimmed(folder + "/size")) * 512);
  identity.set_logical_block_bytes(
      static_cast<std::uint32_t>(Number(ReadTrimmed(folder + "/queue/logical_block_size"))));
  identity.set_physical_block_bytes(
      static_cast<std::uint32_t>(Number(ReadTrimmed(folder + "/queue/physical_block_size"))));
  identity.set_model(ReadTrimmed(folder + "/device/model"));
  identity.set_serial(SerialOf(folder));
  identity.set_firmware(ReadTrimmed(folder + "/device/rev"));
  if (identity.firmware().empty()) {
    identity.set_firmware(ReadTrimmed(folder + "/device/firmware_rev"));
  }
  std::string wwid = ReadTrimmed(folder + "/device/wwid");
  if (wwid.empty()) wwid = ReadTrimmed(folder + "/wwid");
  identity.set_wwn(WwnOf(wwid));
  FillFromT10(wwid, identity);
  const std::string fallback = ByPath(roots.dev, kernel_name);
  identity.set_drive_id(MakeDriveId(identity, fallback));
  if (identity.drive_id().starts_with("path-")) {
    drive.problem = fmt::format(
        "{} has neither a WWN nor a model with a serial number: known by its place \"{}\"",
        identity.path(), fallback);
  }
  drive.access = AccessOf(folder, kernel_name);
  drive.sequence = Number(ReadTrimmed(folder + "/diskseq"));
  std::sscanf(ReadTrimmed(folder + "/dev").c_str(), "%u:%u", &drive.major, &drive.minor);
  return drive;
}

}  // namespace

std::string MakeDriveId(const v1::DriveIdentity& identity, const std::string& fallback) {
  if (!identity.wwn().empty()) return "wwn-" + identity.wwn();
  if (!identity.model().empty() && !identity.serial().empty()) {
    return Clean(fmt::format("serial-{}-{}", identity.model(), identity.serial()));
  }
  return Clean("path-" + fallback);
}

bool IsAllowed(const v1::DriveIdentity& identity, const std::vector<std::string>& allow) {
  return std::any_of(allow.begin(), allow.end(), [&](const std::string& glob) {
    return fnmatch(glob.c_str(), identity.path().c_str(), FNM_PATHNAME) == 0 ||
           fnmatch(glob.c_str(), identity.drive_id().c_str(), FNM_PATHNAME) == 0;
  });
}

Drive MakeMember(const std::string& device, const std::string& type) {
  Drive drive;
  drive.access = SmartAccess::kSmartctl;
  drive.smartctl_type = type;
  // As smartctl itself writes it.
  drive.identity.set_path(fmt::format("{} [{}]", device, type));
  drive.identity.set_drive_id(MakeDriveId(
      drive.identity, fmt::format("{}-{}", fs::path(device).filename().string(), type)));
  return drive;
}

bool IsReplaced(const DriveRoots& roots, const Drive& drive) {
  if (drive.sequence == 0) return false;
  const std::string name = fs::path(drive.identity.path()).filename();
  return Number(ReadTrimmed(roots.sys + "/block/" + name + "/diskseq")) != drive.sequence;
}

void MarkTwins(std::vector<Drive>& drives) {
  for (Drive& drive : drives) {
    for (const Drive& other : drives) {
      if (&other == &drive || other.identity.drive_id() != drive.identity.drive_id()) continue;
      drive.twin = other.identity.path();
      drive.problem = fmt::format("{} and {} have the same identity", drive.identity.path(),
                                  other.identity.path());
    }
  }
}

std::vector<Drive> FindDrives(const DriveRoots& roots, const std::vector<std::string>& allow) {
  std::vector<Drive> drives;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(roots.sys + "/block", error)) {
    const std::string name = entry.path().filename();
    // What is stacked on drives is no drive.
    if (name.starts_with("dm-") || name.starts_with("md")) continue;
    Drive drive = ReadDrive(roots, name);
    if (drive.identity.size_bytes() != 0 && IsAllowed(drive.identity, allow)) {
      drives.push_back(std::move(drive));
    }
  }
  std::sort(drives.begin(), drives.end(),
            [](const Drive& a, const Drive& b) { return a.identity.path() < b.identity.path(); });
  return drives;
}

std::optional<Drive> DriveAt(const DriveRoots& roots, const std::string& node) {
  const std::string name = fs::path(node).filename();
  std::error_code error;
  if (name.empty() || !fs::is_directory(roots.sys + "/block/" + name, error)) return std::nullopt;
  return ReadDrive(roots, name);
}

namespace {

class SysDrives final : public DriveSource {
 public:
  SysDrives(DriveRoots roots, std::vector<std::string> allow)
      : roots_(std::move(roots)), allow_(std::move(allow)) {}
  std::vector<Drive> Find() override { return FindDrives(roots_, allow_); }

 private:
  const DriveRoots roots_;
  const std::vector<std::string> allow_;
};

}  // namespace

std::unique_ptr<DriveSource> MakeDriveSource(DriveRoots roots, std::vector<std::string> allow) {
  return std::make_unique<SysDrives>(std::move(roots), std::move(allow));
}

void DriveTable::Rescan() {
  auto found = source_.Find();
  MarkTwins(found);
  const std::lock_guard lock(mutex_);
  drives_ = std::move(found);
}

std::vector<Drive> DriveTable::All() const {
  const std::lock_guard lock(mutex_);
  return drives_;
}

std::optional<Drive> DriveTable::ByNumber(unsigned major, unsigned minor) const {
  const std::lock_guard lock(mutex_);
  for (const Drive& drive : drives_) {
    if (drive.major == major && drive.minor == minor) return drive;
  }
  return std::nullopt;
}

std::optional<Drive> DriveTable::ByName(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const Drive& drive : drives_) {
    if (drive.identity.drive_id() == name || drive.identity.path() == name) return drive;
  }
  return std::nullopt;
}

}  // namespace remapfleet::agent
