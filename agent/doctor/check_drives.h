#pragma once

#include "agent/config.h"
#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/doctor/finding.h"

namespace remapfleet::agent {

// Each drive that the configuration allows or names: found, identified, and its health readable. A
// sleeping drive is not woken.
Findings CheckDrives(const Config& config, DriveSource& source, SmartSource& smart);

// Each [[remap.device]]: its drive and its spare are there, and the area fits.
Findings CheckRemapDevices(const Config& config, DriveSource& source);

}  // namespace remapfleet::agent
