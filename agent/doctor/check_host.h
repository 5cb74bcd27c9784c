#pragma once

#include <string>

#include "agent/config.h"
#include "agent/doctor/finding.h"

namespace remapfleet::agent {

// Where the kernel shows itself; other folders than these in tests only.
struct HostRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string dev = "/dev";
  std::string modules = "/lib/modules";
};

// Capabilities that the agent's work needs.
Findings CheckRights(const HostRoots& roots);
// Whether I/O errors can be seen: by the block layer's tracepoint, or else in the kernel's log.
Findings CheckErrorSources(const HostRoots& roots);
// Device-mapper and the target: loaded, or there to be loaded by the kernel that runs.
Findings CheckTarget(const HostRoots& roots, const Config& config);
// The state folder can be written, and has room.
Findings CheckStateFolder(const Config& config);
// Whether the kernel takes its clock for synchronised.
Findings CheckClock();

}  // namespace remapfleet::agent
