#pragma once

#include <string>
#include <vector>

#include "agent/disks/drives.h"

namespace remapfleet::agent {

// What smartctl is told to exit with for a drive that sleeps. Its own statuses never have both of
// these bits: the first says that it has tried nothing.
inline constexpr int kSmartctlSleeps = 3;

// Arguments for RunProgram: `options` on `drive`, which is left alone if it sleeps.
std::vector<std::string> SmartctlCommand(const std::string& program,
                                         std::vector<std::string> options, const Drive& drive);

}  // namespace remapfleet::agent
