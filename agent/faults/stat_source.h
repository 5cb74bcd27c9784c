#pragma once

#include <memory>
#include <optional>

#include "agent/disks/drives.h"
#include "agent/faults/block_stat.h"

namespace remapfleet::agent {

struct StatReading {
  BlockStat stat;
  std::optional<bool> rotational;  // as the kernel takes it to be
};

// What the block layer has counted for a whole drive. One thread.
class StatSource {
 public:
  virtual ~StatSource() = default;
  // ABORTED if the disk at the drive's node is another one by now.
  virtual Result<StatReading> Read(const Drive& drive) = 0;
};

// From sysfs: neither opens nor wakes the drive.
std::unique_ptr<StatSource> MakeStatSource(DriveRoots roots);

}  // namespace remapfleet::agent
