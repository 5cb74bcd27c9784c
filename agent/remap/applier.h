#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/remap/assembler.h"
#include "agent/remap/budget.h"
#include "agent/remap/remap_device.h"

namespace remapfleet::agent {

// What the applier works with; all outlive it and are used by one thread.
struct RemapPorts {
  DmPort& dm;
  ModuleLoader& modules;
  DeviceGuard& guard;
  const Clock& clock;
};

struct ApplierLimits {
  std::string module;  // loaded before a device is created; empty: nothing
  unsigned max_spare_percent = 0;
};

// Makes a device what a spec says, and reads back what it is. Every step looks first: repeating it
// changes nothing. One thread.
class Applier {
 public:
  Applier(RemapPorts ports, ApplierLimits limits, Budget budget)
      : ports_(ports),
        max_spare_percent_(limits.max_spare_percent),
        assembler_({ports.dm, ports.modules, ports.guard}, std::move(limits.module)),
        budget_(std::move(budget)) {}

  Assembler& assembler() { return assembler_; }
  // Whether `Apply` would be refused; changes nothing. The device must be up.
  Status Check(const v1::RemapDeviceSpec& spec, const Layout& layout);
  // What was read back afterwards, which is what was asked for. On failure settings are as before;
  // blocks that were moved stay on their slots. The kernel's word on each range is about those that
  // `before` does not have.
  Result<v1::ReadBack> Apply(const v1::RemapDeviceSpec& spec, const Layout& layout,
                             const v1::RemapDeviceSpec& before);

 private:
  struct Work {
    std::vector<Extent> missing;  // asked for and not on slots
    RemapDevice::State state;
  };
  using Settings = std::vector<std::pair<std::string, std::string>>;

  Result<Work> FindWork(const v1::RemapDeviceSpec& spec, const Layout& layout);
  Status CheckLimits(const Layout& layout, const Work& work);
  Status ChangeSettings(const v1::RemapDeviceSpec& spec, RemapDevice& device, Settings& before);
  Result<std::uint64_t> Move(const Layout& layout, const std::vector<Extent>& extents,
                             RemapDevice& device);
  Result<v1::ReadBack> Confirm(const v1::RemapDeviceSpec& spec, const Layout& layout,
                               const v1::RemapDeviceSpec& before, RemapDevice& device);

  RemapPorts ports_;
  const unsigned max_spare_percent_;
  Assembler assembler_;
  Budget budget_;
};

}  // namespace remapfleet::agent
