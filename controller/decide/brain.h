#pragma once

#include <chrono>
#include <thread>

#include "controller/decide/policy.h"
#include "controller/history/database.h"
#include "controller/history/evidence.h"
#include "controller/metrics/metrics.h"
#include "support/clock.h"

namespace remapfleet {

// The drive as a decision sees it, read in the caller's transaction; FAILED_PRECONDITION if no
// remap device is managed on it.
Result<DriveView> ViewOf(Transaction& transaction, const DriveKey& key);

// Turns committed evidence into plans. Owns one thread; several replicas may run at once.
class Brain {
 public:
  // All must outlive the brain.
  Brain(Database& database, const Clock& clock, Metrics& metrics, const Policy& policy);
  ~Brain();  // stops

  void Start();
  void Stop();

  // One round: decides on what there is, expires and measures plans. For the thread, and for tests.
  // Returns the first failure; one drive's does not hold up the others.
  Status Tick();

 private:
  void Run(std::stop_token stop);
  Status DecideOn(const DriveKey& key);
  Status Measure();

  Database& database_;
  const Clock& clock_;
  Metrics& metrics_;
  const Policy policy_;
  std::jthread thread_;
};

}  // namespace remapfleet
