#include "agent/probe.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/disks/smartctl_json.h"
#include "agent/posix/files.h"

namespace remapfleet::agent {

Result<v1::DriveHealth> ProbeDevice(const std::string& path) {
  const auto drives = FindDrives(DriveRoots{}, {path});
  if (drives.empty()) return Fail(Code::kNotFound, path + " is not a disk that the kernel shows");
  v1::DriveHealth health;
  *health.mutable_drive() = drives.front().identity;
  MakeSmartSource({})->Read(drives.front(), health);
  if (!drives.front().problem.empty()) health.add_problems(drives.front().problem);
  return health;
}

Result<v1::DriveHealth> ProbeBlob(const std::string& path) {
  const auto blob = ReadFile(path);
  if (!blob) return Fail(blob.error());
  auto health = HealthFromAtaBlob(*blob);
  if (!health) return Fail(std::move(health.error()).Because(path));
  return health;
}

Result<v1::DriveHealth> ProbeSmartctl(const std::string& path) {
  const auto text = ReadFile(path);
  if (!text) return Fail(text.error());
  auto health = HealthFromSmartctlJson(*text);
  if (!health) return Fail(std::move(health.error()).Because(path));
  return health;
}

std::string RenderHealth(const v1::DriveHealth& health, bool json) {
  std::string text;
  if (json) {
    google::protobuf::util::JsonPrintOptions options;
    options.add_whitespace = true;
    options.preserve_proto_field_names = true;
    (void)google::protobuf::util::MessageToJsonString(health, &text, options);
    return text;
  }
  text = fmt::format("{} {} ({})\n", health.drive().model(), health.drive().serial(),
                     health.drive().drive_id());
  if (health.power_state() == v1::DriveHealth::POWER_STATE_STANDBY) {
    text += "  it sleeps, and was not woken to be asked\n";
  }
  if (health.has_smart_passed()) {
    text += fmt::format("  verdict      {}\n", health.smart_passed() ? "passed" : "FAILED");
  }
  if (health.has_temperature_celsius()) {
    text += fmt::format("  temperature  {:.0f} °C\n", health.temperature_celsius());
  }
  const auto line = [&](const char* name, bool has, auto value, const char* unit = "") {
    if (has) text += fmt::format("  {:<12} {}{}\n", name, value, unit);
  };
  line("power-on", health.has_power_on_hours(), health.power_on_hours(), " h");
  line("used", health.has_percentage_used(), health.percentage_used(), " % of its endurance");
  line("reallocated", health.has_reallocated_sectors(), health.reallocated_sectors(), " sectors");
  line("pending", health.has_pending_sectors(), health.pending_sectors(), " sectors");
  line("grown", health.has_grown_defects(), health.grown_defects(), " defects");
  line("media errors", health.has_media_errors(), health.media_errors());
  for (const auto& error : health.logged_errors()) {
    text += "  logged       " + error.description();
    if (error.has_range()) text += fmt::format(" (sector {})", error.range().first_sector());
    text += '\n';
  }
  for (const auto& test : health.self_tests()) {
    text += "  self-test    " + test.description();
    if (test.has_first_error()) {
      text += fmt::format(" (sector {})", test.first_error().first_sector());
    }
    text += '\n';
  }
  for (const auto& attribute : health.attributes()) {
    text += fmt::format("  {:>3} {:<32} {}\n", attribute.id(), attribute.name(), attribute.raw());
  }
  for (const auto& problem : health.problems()) text += "  not read: " + problem + "\n";
  return text;
}

}  // namespace remapfleet::agent
