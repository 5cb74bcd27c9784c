#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

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

  // The threads that have not been seen alive for too long at `now`: the agent should be started
  // anew. Any thread.
  std::vector<std::string> Late(std::chrono::steady_clock::time_point now) const;
  // One line for people.
  std::string Summary() const;

 private:
  class Impl;
  explicit App(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet::agent
