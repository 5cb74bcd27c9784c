#include "agent/doctor/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/doctor/check_controller.h"
#include "agent/doctor/check_drives.h"
#include "agent/doctor/check_host.h"

namespace remapfleet::agent {
namespace {

constexpr std::chrono::seconds kNetworkLimit{5};

const char* NameOf(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "ok";
    case Finding::Level::kWarn:
      return "warn";
    default:
      return "FAIL";
  }
}

}  // namespace

Findings Examine(const Config& config) {
  const auto drives = MakeDriveSource(DriveRoots{}, config.drives_allow);
  const auto smart = MakeSmartSource({config.smartctl, config.answer_timeout});
  const HostRoots roots;
  Findings all = {{Finding::Level::kOk, "configuration", "good"}};
  for (Findings& found : std::vector<Findings>{
           CheckRights(roots), CheckDrives(config, *drives, *smart), CheckErrorSources(roots),
           CheckTarget(roots, config), CheckRemapDevices(config, *drives), CheckStateFolder(config),
           CheckClock(), CheckCertificates(config, SystemClock()),
           CheckControllers(config, kNetworkLimit)}) {
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  return all;
}

std::string RenderFindings(const Findings& findings, bool json) {
  std::string text;
  auto list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    text += fmt::format("{:<4}  {}: {}\n", NameOf(finding.level), finding.check, finding.text);
    list.push_back(
        {{"level", NameOf(finding.level)}, {"check", finding.check}, {"text", finding.text}});
  }
  // What drives say of themselves need not be UTF-8.
  return json ? list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" : text;
}

bool AnyFailed(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.level == Finding::Level::kFail; });
}

}  // namespace remapfleet::agent
