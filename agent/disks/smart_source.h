#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "agent/disks/drives.h"
#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// Reads what a drive says of its health.
class SmartSource {
 public:
  virtual ~SmartSource() = default;
  // Fills `health`, whose `drive` is what is known of it; what cannot be read stays absent and
  // `problems` says why. Never wakes a sleeping drive. Any thread, one for each drive.
  virtual void Read(const Drive& drive, v1::DriveHealth& health) = 0;
};

struct SmartctlOptions {
  std::string program = "/usr/sbin/smartctl";
  std::chrono::milliseconds time{30'000};  // of one run; then it is killed
};

// ATA drives through libatasmart.
std::unique_ptr<SmartSource> MakeAtaSmartSource();
// NVMe drives through libnvme: the SMART, error and self-test logs.
std::unique_ptr<SmartSource> MakeNvmeSmartSource();
// SAS drives, USB bridges and members of RAID controllers through `smartctl --json`.
std::unique_ptr<SmartSource> MakeSmartctlSource(SmartctlOptions options);
// All kinds. `sys` is another folder than /sys in tests only.
std::unique_ptr<SmartSource> MakeSmartSource(SmartctlOptions options, std::string sys = "/sys");

// From a recording as `skdump --save` makes it; fills `drive` too. INVALID_ARGUMENT if it is none.
Result<v1::DriveHealth> HealthFromAtaBlob(const std::string& blob);

}  // namespace remapfleet::agent
