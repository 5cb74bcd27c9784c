#pragma once

#include <vector>

#include "remapfleet/v1/telemetry.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// Takes what the agent has to say. Thread-safe.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // On success the records are durable and will reach the controller, in this order, once or more.
  virtual Status Append(std::vector<v1::Record> records) = 0;
};

}  // namespace remapfleet::agent
