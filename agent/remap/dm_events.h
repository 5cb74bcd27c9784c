#pragma once

#include <functional>
#include <memory>

#include "support/result.h"

namespace remapfleet::agent {

// Follows device-mapper's events until it is destroyed.
class DmEvents {
 public:
  virtual ~DmEvents() = default;
};
// The function is called on a thread of the events' own after every change of any device; it must
// look for itself what changed.
using StartDmEvents =
    std::function<Result<std::unique_ptr<DmEvents>>(std::function<void()> on_event)>;

// One poll for the whole host. NOT_FOUND if the kernel has no device-mapper.
Result<std::unique_ptr<DmEvents>> StartKernelDmEvents(std::function<void()> on_event);

}  // namespace remapfleet::agent
