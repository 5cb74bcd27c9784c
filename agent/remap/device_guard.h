#pragma once

#include <memory>
#include <string>

#include "support/result.h"

namespace remapfleet::agent {

// Looks whether a device may be taken.
class DeviceGuard {
 public:
  virtual ~DeviceGuard() = default;
  // FAILED_PRECONDITION if it is mounted, part of something else or held by anybody.
  virtual Status CheckUnused(const std::string& path) = 0;
  // FAILED_PRECONDITION if somebody's data is recognised at `offset_sectors` of the device.
  virtual Status CheckNoForeignData(const std::string& path, std::uint64_t offset_sectors) = 0;
  // FAILED_PRECONDITION if the target would take the spare area for a new one and format it.
  virtual Status CheckNotBlank(const std::string& path, std::uint64_t offset_sectors,
                               std::uint64_t length_sectors) = 0;
};

std::unique_ptr<DeviceGuard> MakeDeviceGuard();

}  // namespace remapfleet::agent
