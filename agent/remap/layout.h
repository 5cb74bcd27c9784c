#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/disks/drives.h"
#include "agent/remap/dm_port.h"
#include "remapfleet/v1/desired_state.pb.h"

namespace remapfleet::agent {

// What the node's owner allows for one device: the controller may not ask for anything else.
struct AllowedDevice {
  std::string name;
  std::string drive;
  std::string spare;
  std::uint64_t spare_offset_sectors = 0;
  std::uint64_t spare_length_sectors = 0;
  std::uint64_t data_offset_sectors = 0;
  std::uint64_t block_size_sectors = 0;
};

using FindDrive = std::function<std::optional<Drive>(const std::string& name)>;

// A device as it is to be made.
struct Layout {
  std::string name;
  Drive main;
  Drive spare;
  std::uint64_t data_offset = 0;
  std::uint64_t spare_offset = 0;
  std::uint64_t spare_length = 0;
  std::uint64_t block_size = 0;  // 0: the target chooses
  std::uint64_t target_sectors = 0;

  DmTarget Table() const;
  // True if a live table means the same. Features that can be set at run time do not count.
  bool Matches(const DmTarget& live) const;
};

// What the configuration alone asks for: generation 0. NOT_FOUND if a drive is missing.
Result<v1::RemapDeviceSpec> SpecFromConfig(const AllowedDevice& allowed, const FindDrive& find);

// Refuses a spec that differs from `allowed`, names another drive than is there, or does not fit.
Result<Layout> MakeLayout(const v1::RemapDeviceSpec& spec, const AllowedDevice& allowed,
                          const FindDrive& find);

}  // namespace remapfleet::agent
