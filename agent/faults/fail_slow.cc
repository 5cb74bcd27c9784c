#include "agent/faults/fail_slow.h"

#include <algorithm>

namespace remapfleet::agent {
namespace {

std::chrono::microseconds Median(std::vector<std::chrono::microseconds> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

std::optional<PeerVerdict> FailSlow::Compare(const DriveWindow& drive,
                                             const std::vector<DriveWindow>& drives,
                                             DriveWindow::Side DriveWindow::*side) const {
  const auto counts = [&](const DriveWindow& one) {
    return (one.*side).mean && (one.*side).ios >= rules_.fewest_ios;
  };
  if (!counts(drive)) return std::nullopt;
  std::vector<std::chrono::microseconds> peers;
  for (const DriveWindow& other : drives) {
    if (&other != &drive && other.rotational == drive.rotational && counts(other)) {
      peers.push_back(*(other.*side).mean);
    }
  }
  if (peers.empty() || peers.size() < rules_.fewest_peers) return std::nullopt;
  PeerVerdict verdict;
  verdict.peers = static_cast<unsigned>(peers.size());
  verdict.median = Median(std::move(peers));
  if (verdict.median.count() == 0) return std::nullopt;
  verdict.ratio = static_cast<double>((drive.*side).mean->count()) /
                  static_cast<double>(verdict.median.count());
  return verdict;
}

std::map<std::string, PeerVerdict> FailSlow::Judge(const std::vector<DriveWindow>& drives) {
  std::map<std::string, PeerVerdict> verdicts;
  std::map<std::string, Past> past;
  for (const DriveWindow& drive : drives) {
    Past& now = past[drive.drive_id] = past_[drive.drive_id];
    auto worst = Compare(drive, drives, &DriveWindow::reads);
    const auto writes = Compare(drive, drives, &DriveWindow::writes);
    if (writes && (!worst || writes->ratio > worst->ratio)) worst = writes;
    if (!worst) continue;
    const bool against =
        now.slow ? worst->ratio < rules_.well_ratio : worst->ratio >= rules_.slow_ratio;
    now.against = against ? now.against + 1 : 0;
    if (now.against >= rules_.windows) {
      now = {!now.slow, 0};
      worst->changed = true;
    }
    worst->slow = now.slow;
    verdicts[drive.drive_id] = *worst;
  }
  past_ = std::move(past);
  return verdicts;
}

}  // namespace remapfleet::agent
