#pragma once

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "support/result.h"

namespace remapfleet {

// What the controller counts: aggregates only, never a series per drive. Thread-safe.
class Metrics {
 public:
  Metrics();

  // Serves /metrics on "address:port" (port 0: any) and returns the port. UNAVAILABLE if it cannot
  // bind.
  Result<int> Serve(const std::string& listen);

  prometheus::Gauge& streams;             // agents connected to this process
  prometheus::Counter& records;           // records committed
  prometheus::Counter& batches;           // batches committed
  prometheus::Counter& refused;           // streams ended for what the agent sent or who it was
  prometheus::Histogram& ingest_seconds;  // from a batch received to committed
  prometheus::Counter& database_errors;
  prometheus::Counter& plans_automatic;   // plans made that went out without a person
  prometheus::Counter& plans_waiting;     // plans made that wait for one
  prometheus::Histogram& decide_seconds;  // from evidence taken to plans committed

 private:
  explicit Metrics(std::shared_ptr<prometheus::Registry> registry);
  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace remapfleet
