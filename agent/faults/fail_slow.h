#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace remapfleet::agent {

struct FailSlowRules {
  // A mean of fewer is chance. Chosen here.
  std::uint64_t fewest_ios = 100;
  // With fewer, the median is one drive's word. Chosen here.
  unsigned fewest_peers = 3;
  // Slow is what takes twice the median of its peers, as in Hao et al., "The Tail at Store",
  // FAST '16.
  double slow_ratio = 2.0;
  // What is below this has recovered: between the two, things stay as they are. Chosen here.
  double well_ratio = 1.5;
  // In a row, for either: half an hour of the default interval. Bursts of load are shorter. Chosen
  // here.
  unsigned windows = 6;
};

// One drive's I/O in one window.
struct DriveWindow {
  struct Side {
    std::uint64_t ios = 0;
    std::optional<std::chrono::microseconds> mean;
  };
  std::string drive_id;
  bool rotational = false;
  Side reads;
  Side writes;
};

// A drive against the median of its peers, where it stands out most: reads or writes.
struct PeerVerdict {
  double ratio = 0;
  std::chrono::microseconds median{};
  unsigned peers = 0;
  bool slow = false;
  bool changed = false;  // `slow`, in this window
};

// Tells a drive that has become slow from a node that is busy: its peers, of the same kind and with
// the same work, are as slow then. Pure; one thread.
class FailSlow {
 public:
  explicit FailSlow(FailSlowRules rules = {}) : rules_(rules) {}

  // The next window of all the node's drives; one that is not named is forgotten. By drive id,
  // without those that cannot be compared: these stay what they were.
  std::map<std::string, PeerVerdict> Judge(const std::vector<DriveWindow>& drives);

 private:
  struct Past {
    bool slow = false;
    unsigned against = 0;  // windows in a row that speak against `slow`
  };
  std::optional<PeerVerdict> Compare(const DriveWindow& drive,
                                     const std::vector<DriveWindow>& drives,
                                     DriveWindow::Side DriveWindow::*side) const;

  const FailSlowRules rules_;
  std::map<std::string, Past> past_;
};

}  // namespace remapfleet::agent
