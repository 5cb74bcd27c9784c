#include "agent/doctor/check_drives.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/drive_health.h"

namespace remapfleet::agent {
namespace {

using Level = Finding::Level;

const char* NameOf(SmartAccess access) {
  switch (access) {
    case SmartAccess::kAta:
      return "ATA";
    case SmartAccess::kNvme:
      return "NVMe";
    case SmartAccess::kSmartctl:
      return "read by smartctl";
    default:
      return "virtual";
  }
}

std::string Describe(const Drive& drive) {
  const v1::DriveIdentity& identity = drive.identity;
  return fmt::format("{}, {} {}, {}", identity.drive_id(), identity.model(), identity.serial(),
                     NameOf(drive.access));
}

Finding CheckDrive(const Drive& drive, SmartSource& smart) {
  const std::string check = "drive " + drive.identity.path();
  if (drive.access == SmartAccess::kNone) {
    return {
        Level::kWarn, check,
        Describe(drive) + ": has no health to read (a virtual disk); only its I/O errors count"};
  }
  v1::DriveHealth health;
  *health.mutable_drive() = drive.identity;
  smart.Read(drive, health);
  const std::string who = drive.major == 0 && HasReadings(health)
                              ? fmt::format("{}, {} {}", health.drive().drive_id(),
                                            health.drive().model(), health.drive().serial())
                              : Describe(drive);
  if (health.power_state() == v1::DriveHealth::POWER_STATE_STANDBY) {
    return {Level::kOk, check, who + ": sleeps, and was not woken"};
  }
  const std::string problem = health.problems_size() != 0 ? health.problems(0) : "";
  if (!HasReadings(health)) {
    return {Level::kFail, check,
            fmt::format("{}: its health cannot be read: {}; run this as root, and see whether "
                        "smartctl -x {} can",
                        who, problem.empty() ? "it says nothing" : problem, drive.identity.path())};
  }
  if (!drive.twin.empty()) {
    return {Level::kFail, check,
            fmt::format("{}: {} has the same id; no remap device can be made on either", who,
                        drive.twin)};
  }
  const std::string& trouble = drive.problem.empty() ? problem : drive.problem;
  if (!trouble.empty()) return {Level::kWarn, check, who + ": awake and read, but: " + trouble};
  if (health.has_smart_passed() && !health.smart_passed()) {
    return {Level::kWarn, check, who + ": awake and read; says itself that it is failing"};
  }
  return {Level::kOk, check, who + ": awake and read"};
}

const Drive* FindByName(const std::vector<Drive>& drives, const std::string& name) {
  const auto found = std::find_if(drives.begin(), drives.end(), [&](const Drive& drive) {
    return drive.identity.drive_id() == name || drive.identity.path() == name;
  });
  return found == drives.end() ? nullptr : &*found;
}

Finding CheckRemapDevice(const RemapDeviceConfig& device, const std::vector<Drive>& drives) {
  const std::string check = "remap device " + device.name;
  for (const std::string& name : {device.drive, device.spare}) {
    if (FindByName(drives, name) != nullptr) continue;
    return {Level::kFail, check,
            fmt::format("{} is not there, or not in drives.allow; see lsblk --nodeps -o "
                        "PATH,WWN,MODEL,SERIAL",
                        name)};
  }
  const std::uint64_t sectors = FindByName(drives, device.spare)->identity.size_bytes() / 512;
  const std::uint64_t offset = device.spare_offset_sectors;
  if (offset >= sectors || device.spare_length_sectors > sectors - offset) {
    return {Level::kFail, check,
            fmt::format("its area of {} ends behind the disk's {} sectors; mend "
                        "spare_offset_sectors or spare_length_sectors",
                        device.spare, sectors)};
  }
  return {Level::kOk, check, fmt::format("{} with slots on {}", device.drive, device.spare)};
}

}  // namespace

Findings CheckDrives(const Config& config, DriveSource& source, SmartSource& smart) {
  Findings findings;
  std::vector<Drive> drives = source.Find();
  MarkTwins(drives);
  for (const std::string& allowed : config.drives_allow) {
    const bool any = std::any_of(drives.begin(), drives.end(), [&](const Drive& drive) {
      return IsAllowed(drive.identity, {allowed});
    });
    if (any) continue;
    findings.push_back({Level::kWarn, "drives.allow",
                        allowed + " matches no disk that the kernel shows; see lsblk --nodeps -o "
                                  "PATH,WWN,MODEL,SERIAL"});
  }
  for (const MemberConfig& member : config.members) {
    drives.push_back(MakeMember(member.device, member.type));
  }
  if (drives.empty()) {
    findings.push_back(
        {Level::kFail, "drives", "none is watched; name them in drives.allow, e.g. \"/dev/sd*\""});
  }
  for (const Drive& drive : drives) findings.push_back(CheckDrive(drive, smart));
  return findings;
}

Findings CheckRemapDevices(const Config& config, DriveSource& source) {
  const std::vector<Drive> drives = source.Find();
  Findings findings;
  for (const RemapDeviceConfig& device : config.devices) {
    findings.push_back(CheckRemapDevice(device, drives));
  }
  return findings;
}

}  // namespace remapfleet::agent
