#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/disks/drives.h"
#include "agent/faults/fail_slow.h"
#include "agent/faults/stat_source.h"
#include "agent/faults/target_histogram.h"

namespace remapfleet::agent {

// How long the node's drives took for their I/O from one look to the next, and which of them is
// slower than the others. One thread.
class LatencyWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // The newest that the remap targets said, by their main drive's id.
  using Targets = std::function<std::map<std::string, TargetHistogram>()>;

  // `stats` must outlive it.
  LatencyWatch(StatSource& stats, Targets targets, FailSlowRules rules = {})
      : stats_(stats), targets_(std::move(targets)), fail_slow_(rules) {}

  // Of each drive that did anything since the last look. Left out: drives that are new, members of
  // RAID controllers, and those whose id another one has, too.
  std::vector<v1::DriveLatency> Look(const std::vector<Drive>& drives, Time now);

 private:
  struct Seen {
    std::string drive_id;
    std::uint64_t sequence = 0;
    BlockStat stat;
    std::optional<TargetHistogram> target;
    Time time;
  };

  StatSource& stats_;
  const Targets targets_;
  FailSlow fail_slow_;
  std::map<std::string, Seen> seen_;  // by path
};

}  // namespace remapfleet::agent
