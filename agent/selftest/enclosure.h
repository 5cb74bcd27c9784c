#pragma once

#include <string>

#include "agent/disks/drives.h"

namespace remapfleet::agent {

// What drives share that a self-test loads: of a resolved sysfs path, the part up to an enclosure
// services device, else up to the last SAS expander, else up to the host adapter: an ATA port's
// controller or a SCSI host. Empty if the path names none of them.
std::string EnclosureOfPath(const std::string& sysfs_path);

// Where a drive is: by its slot in an enclosure if the kernel knows it, else by its path, and a
// RAID controller's member by the node of the controller. All of unknown place share the empty one.
std::string FindEnclosure(const DriveRoots& roots, const Drive& drive);

}  // namespace remapfleet::agent
