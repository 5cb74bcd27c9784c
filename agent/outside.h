#pragma once

#include <memory>
#include <string>

#include "agent/config.h"
#include "agent/disks/disk_events.h"
#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/faults/error_source.h"
#include "agent/faults/neighbours.h"
#include "agent/faults/stat_source.h"
#include "agent/link/controller_port.h"
#include "agent/posix/file_system.h"
#include "agent/posix/unique_fd.h"
#include "agent/remap/device_guard.h"
#include "agent/remap/dm_events.h"
#include "agent/remap/dm_port.h"
#include "agent/remap/module_loader.h"
#include "agent/selftest/starter.h"
#include "support/clock.h"

namespace remapfleet::agent {

// The world as the agent sees it: everything that it reads from and acts on.
struct Outside {
  UniqueFd state_lock;  // on the state folder, while this lives
  std::string boot_id;
  std::unique_ptr<Clock> clock;
  std::unique_ptr<FileSystem> files;
  std::unique_ptr<DriveSource> drives;
  std::shared_ptr<SmartSource> smart;  // a drive that does not answer may hold it for longer
  std::unique_ptr<StatSource> stats;
  std::shared_ptr<SelfTestStarter> self_tests;  // as long
  std::unique_ptr<DmPort> dm;
  std::unique_ptr<ModuleLoader> modules;
  std::unique_ptr<DeviceGuard> guard;
  std::unique_ptr<ControllerPort> controller;
  StartDiskEvents start_disk_events;
  StartDmEvents start_dm_events;
  StartErrorSource start_errors;
  OpenReads open_reads;
};

// The real one. Fails for certificates that do not fit, and where another agent uses the state
// folder.
Result<Outside> MakeOutside(const Config& config);

}  // namespace remapfleet::agent
