#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/metrics/agent_state.h"
#include "support/result.h"

namespace remapfleet::agent {

// What the agent says of itself.
struct AgentGauges {
  bool connected = false;
  std::uint64_t spool_records = 0;
  std::uint64_t spool_bytes = 0;
  std::uint64_t spool_dropped = 0;
  bool spool_failing = false;
  std::optional<std::chrono::microseconds> controller_clock_ahead;
  std::optional<TimePoint> certificate_ends;
  std::uint64_t self_tests_started = 0;
  std::uint64_t self_tests_refused = 0;
};

// Serves /metrics. Every series is made anew at each scrape, so that none outlives its drive; at
// most 13 a drive.
class Exporter {
 public:
  // `listen` is "address:port". UNAVAILABLE if it cannot bind. `state` and `gauges` must outlive
  // it.
  static Result<std::unique_ptr<Exporter>> Start(const std::string& listen, const AgentState& state,
                                                 std::function<AgentGauges()> gauges);
  ~Exporter();
  int port() const;

 private:
  struct Impl;
  explicit Exporter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet::agent
