#pragma once

#include <memory>
#include <string>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// Reads what a drive says of its health.
class SmartSource {
 public:
  virtual ~SmartSource() = default;
  // Fills all but `drive` of `health`; what cannot be read stays absent and `problems` says why.
  // Never wakes a sleeping drive. Called from one thread.
  virtual void Read(const std::string& path, v1::DriveHealth& health) = 0;
};

// ATA drives through libatasmart.
std::unique_ptr<SmartSource> MakeAtaSmartSource();
// NVMe drives through libnvme: the SMART, error and self-test logs.
std::unique_ptr<SmartSource> MakeNvmeSmartSource();
// All kinds.
std::unique_ptr<SmartSource> MakeSmartSource();

// From a recording as `skdump --save` makes it; fills `drive` too. INVALID_ARGUMENT if it is none.
Result<v1::DriveHealth> HealthFromAtaBlob(const std::string& blob);

}  // namespace remapfleet::agent
