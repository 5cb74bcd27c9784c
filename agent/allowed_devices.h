#pragma once

#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/remap/layout.h"

namespace remapfleet::agent {

// What the configuration allows, in its order.
inline std::vector<AllowedDevice> AllowedDevices(const Config& config) {
  std::vector<AllowedDevice> allowed;
  for (const RemapDeviceConfig& device : config.devices) {
    allowed.push_back({device.name, device.drive, device.spare, device.spare_offset_sectors,
                       device.spare_length_sectors, device.data_offset_sectors,
                       device.block_size_sectors});
  }
  return allowed;
}

// Empty where somebody else sees to it.
inline std::string ModuleToLoad(const Config& config) {
  return config.load_module ? config.module : "";
}

}  // namespace remapfleet::agent
