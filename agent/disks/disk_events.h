#pragma once

#include <functional>
#include <memory>

#include "support/result.h"

namespace remapfleet::agent {

// Follows the coming and going of disks until it is destroyed.
class DiskEvents {
 public:
  virtual ~DiskEvents() = default;
};
// The function is called on a thread of the events' own after disks came, went, or changed their
// size; it must look for itself which.
using StartDiskEvents =
    std::function<Result<std::unique_ptr<DiskEvents>>(std::function<void()> on_event)>;

// Udev's, or where no udevd runs the kernel's. What happens after this returns is seen.
Result<std::unique_ptr<DiskEvents>> StartKernelDiskEvents(std::function<void()> on_event);

}  // namespace remapfleet::agent
