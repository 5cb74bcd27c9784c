#pragma once

#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/disks/drives.h"
#include "agent/posix/file_system.h"
#include "agent/remap/assembler.h"

namespace remapfleet::agent {

// What became of one configured device.
struct Assembly {
  enum class State {
    kUp,
    kWaiting,  // for a drive that is not there yet, or for the agent to set it up
    kFailed,
  };
  std::string device;
  State state;
  std::string why;  // empty if it is up
};

// Brings up each configured device whose drives are there, as boot does before file systems are
// mounted: without controller, network, or the state folder where that lies on one of them. Never
// formats a spare: a device that was never up waits for the agent. Without the state folder, which
// remembers on which drives a device was first brought up, both must be named by their ids.
std::vector<Assembly> Assemble(const Config& config, const AssemblerPorts& ports,
                               DriveSource& drives, FileSystem& files);

// The same on this machine, after any other that does so now. FAILED_PRECONDITION if the agent
// runs: it does this itself.
Result<std::vector<Assembly>> AssembleThisNode(const Config& config);

// What udev is to know of a disk, as lines NAME=value: the device that it belongs to, its role in
// it, and whether what it seems to hold must not be used but through that device. Empty if it
// belongs to none.
std::string UdevProperties(const Config& config, const Drive& drive);

}  // namespace remapfleet::agent
