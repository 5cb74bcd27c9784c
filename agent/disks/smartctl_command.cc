#include "agent/disks/smartctl_command.h"

#include <fmt/format.h>

namespace remapfleet::agent {
namespace {

// "/dev/bus/0 [megaraid,4]" is how a member is called, not where it is.
std::string NodeOf(const Drive& drive) {
  const std::string& path = drive.identity.path();
  return drive.smartctl_type.empty() ? path : path.substr(0, path.find(" ["));
}

}  // namespace

std::vector<std::string> SmartctlCommand(const std::string& program,
                                         std::vector<std::string> options, const Drive& drive) {
  std::vector<std::string> arguments = {program};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"-n", fmt::format("standby,{}", kSmartctlSleeps)});
  if (!drive.smartctl_type.empty()) {
    arguments.insert(arguments.end(), {"-d", drive.smartctl_type});
  }
  arguments.push_back(NodeOf(drive));
  return arguments;
}

}  // namespace remapfleet::agent
