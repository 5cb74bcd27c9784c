#include "agent/outside.h"

#include "agent/posix/files.h"

namespace remapfleet::agent {

Result<Outside> MakeOutside(const Config& config) {
  auto controller = MakeControllerPort({config.controller_addresses, config.controller_server_name,
                                        config.tls_certificate, config.tls_key, config.tls_ca});
  if (!controller) return Fail(controller.error());
  // Two agents with one spool would give one number to two records.
  auto lock = LockFolder(config.state_dir);
  if (!lock) return Fail(lock.error());
  Outside outside;
  outside.state_lock = std::move(*lock);
  outside.boot_id = ReadBootId();
  outside.clock = std::make_unique<SystemClock>();
  outside.files = MakeFileSystem();
  outside.drives = MakeDriveSource(DriveRoots{}, config.drives_allow);
  outside.smart = MakeSmartSource({config.smartctl, config.answer_timeout});
  outside.stats = MakeStatSource(DriveRoots{});
  outside.self_tests = MakeSelfTestStarter({config.smartctl, config.answer_timeout});
  outside.start_disk_events = StartKernelDiskEvents;
  outside.dm = MakeDmPort();
  outside.modules = MakeModuleLoader();
  outside.guard = MakeDeviceGuard();
  outside.controller = std::move(*controller);
  outside.start_dm_events = StartKernelDmEvents;
  outside.start_errors = StartKernelErrors;
  outside.open_reads = OpenForTimedReads;
  return outside;
}

}  // namespace remapfleet::agent
