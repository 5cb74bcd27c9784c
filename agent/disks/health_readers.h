#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"

namespace remapfleet::agent {

// Reads drives' health a few at a time, each on a thread of its own: a drive that does not answer,
// which may hold its thread in the kernel for minutes, delays no other. Thread-safe.
class HealthReaders {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Called once for each read that ends, on its thread; never after this is gone.
  using Done = std::function<void(const Drive& drive, v1::DriveHealth health)>;

  // A read that takes longer than `limit` is overdue, and does not count among those `at_once`: so
  // there are at most `at_once` threads and one for each drive that does not answer.
  HealthReaders(std::shared_ptr<SmartSource> source, unsigned at_once,
                std::chrono::milliseconds limit, Done done);
  // Waits for what is running, at most for the limit; what is overdue is left to end by itself.
  ~HealthReaders();

  // False if this drive waits or is being read still.
  bool Start(const Drive& drive);
  // Drives that have become overdue since the last call; others get their places.
  std::vector<Drive> TakeOverdue(Time now);
  // When the next one becomes overdue; nothing if none is running in time.
  std::optional<Time> NextOverdue() const;

 private:
  struct State;
  static void StartWaiting(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace remapfleet::agent
