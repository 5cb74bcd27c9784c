#pragma once

#include <functional>
#include <memory>

#include "agent/outside.h"
#include "tests/fakes/fake_controller.h"
#include "tests/fakes/fake_dm.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_world.h"

namespace remapfleet::agent {

// All of the world in memory. It outlives any number of agents, one after another, and lets a test
// make things happen while one runs.
class FakeWorld {
 public:
  // For one agent; must not outlive this.
  Outside MakeOutside();

  // The kernel reports something; nothing if no agent listens. Thread-safe.
  void KernelError(const BlockError& error);
  void DmEvent();
  void DiskEvent();

  FakeController controller;
  FakeFileSystem files;
  FakeDm dm;
  FakeDrives drives;
  FakeClock clock;
  FakeGuard guard;
  FakeStats stats;
  std::shared_ptr<FakeSmart> smart = std::make_shared<FakeSmart>();
  std::string boot_id = "11111111-1111-4111-8111-111111111111";
  // What a check's read of a sector says; called on the agent's thread.
  std::function<std::optional<std::chrono::microseconds>(std::uint64_t)> read;

 private:
  // Holds what the agent gave, until it takes it back.
  template <class Function>
  class Listener {
   public:
    void Set(Function function) {
      const std::lock_guard lock(mutex_);
      function_ = std::move(function);
    }
    template <class... Arguments>
    void Call(const Arguments&... arguments) {
      const std::lock_guard lock(mutex_);
      if (function_) function_(arguments...);
    }

   private:
    std::mutex mutex_;
    Function function_;
  };
  class Errors;
  class Events;
  class DisksGone;

  Listener<ErrorSource::Handler> on_error_;
  Listener<std::function<void()>> on_event_;
  Listener<std::function<void()>> on_disk_event_;
};

}  // namespace remapfleet::agent
