#pragma once

#include <string>
#include <utility>

#include "agent/remap/device_guard.h"
#include "agent/remap/layout.h"
#include "agent/remap/module_loader.h"

namespace remapfleet::agent {

// What the assembler works with; all outlive it and are used by one thread.
struct AssemblerPorts {
  DmPort& dm;
  ModuleLoader& modules;
  DeviceGuard& guard;
};

// FAILED_PRECONDITION if a device would come up on other drives than it was first brought up on,
// which `pin_path` remembers.
Status CheckPin(const v1::RemapDeviceSpec& pinned, const Layout& layout,
                const std::string& pin_path);

// Makes a device live with the right table: created, resumed, or adopted as it is. Every step looks
// first: repeating it changes nothing. One thread.
class Assembler {
 public:
  // `module`: what is loaded before a device is created; empty: nothing.
  Assembler(AssemblerPorts ports, std::string module) : ports_(ports), module_(std::move(module)) {}

  // `used_before`: its spare must hold mappings, and may not be formatted anew.
  Status BringUp(const Layout& layout, bool used_before);
  // FAILED_PRECONDITION if the live table is another one.
  Status CheckTable(const Layout& layout);
  // The kernel has no such device; false where it cannot be asked.
  bool IsGone(const std::string& name);

 private:
  Status CheckDevices(const Layout& layout, bool used_before);
  Status CreateNew(const Layout& layout, bool used_before);

  AssemblerPorts ports_;
  const std::string module_;
};

}  // namespace remapfleet::agent
