#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "agent/posix/unique_fd.h"
#include "support/result.h"

namespace remapfleet::agent {

// One poll for the device-mapper events of the whole host. `on_event` is called on a thread of its
// own after every change of any device; it must look for itself what changed.
class DmEvents {
 public:
  // NOT_FOUND if the kernel has no device-mapper.
  static Result<std::unique_ptr<DmEvents>> Start(std::function<void()> on_event);
  ~DmEvents();

 private:
  DmEvents(UniqueFd control, std::function<void()> on_event);
  void Run();

  const UniqueFd control_;
  const UniqueFd stop_;
  const std::function<void()> on_event_;
  std::jthread thread_;
};

}  // namespace remapfleet::agent
