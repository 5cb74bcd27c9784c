#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remapfleet/v1/telemetry.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// A remap target's latency histograms, since they were last reset (kmod/uapi/GRAMMAR.md).
struct TargetHistogram {
  std::uint64_t first_ns = 0;  // upper bound of the first bucket; each next one's is twice that
  std::map<v1::LatencyHistogram::Kind, std::vector<std::uint64_t>> counts;
};

// The answer to the message `histogram`. Nothing while the target measures none; INTERNAL for what
// is no such answer.
Result<std::optional<TargetHistogram>> ParseTargetHistogram(const std::string& reply);

// What was counted between two readings, without kinds that had nothing. Nothing if the counters
// went back or are others.
std::vector<v1::LatencyHistogram> CountedBetween(const TargetHistogram& before,
                                                 const TargetHistogram& now);

}  // namespace remapfleet::agent
