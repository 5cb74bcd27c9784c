#pragma once

#include <thread>

#include "controller/history/database.h"
#include "support/clock.h"

namespace remapfleet {

// Keeps the history's tables in shape: partitions are there before their day comes, and go with
// their age. Owns one thread; several replicas may run at once.
class Upkeep {
 public:
  // All must outlive it. History older than `retention` is dropped, whole days (UTC) at a time.
  Upkeep(Database& database, const Clock& clock, std::chrono::days retention);
  ~Upkeep();  // stops

  void Start();
  void Stop();

  // One round. For the thread, and for tests.
  Status Tick();

 private:
  void Run(std::stop_token stop);

  Database& database_;
  const Clock& clock_;
  const std::chrono::days retention_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace remapfleet
