#pragma once

#include <memory>

#include "agent/config.h"
#include "agent/outside.h"

namespace remapfleet::agent {

// The whole agent: every part with its thread, wired by queues. Starts with `Start`, ends with its
// destructor; remap devices stay up.
class App {
 public:
  // Fails only for what waiting cannot mend: a state folder that cannot be written, a port in use.
  static Result<std::unique_ptr<App>> Start(const Config& config, Outside outside);
  ~App();

 private:
  class Impl;
  explicit App(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet::agent
