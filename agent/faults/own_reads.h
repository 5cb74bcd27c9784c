#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>

#include "agent/faults/neighbours.h"

namespace remapfleet::agent {

// Remembers which reads of raw drives are the agent's own, so that an error that one of them meets
// is not taken for the host's. Thread-safe.
class OwnReads {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The same reads, noted while they run, and for a while after those that failed. Must not
  // outlive this.
  TimedRead Noting(const std::string& drive_id, TimedRead read);

  // Whether a failed read of `range`, which the kernel saw at `time` give or take `slack`, was one
  // of them.
  bool Provoked(const std::string& drive_id, const v1::SectorRange& range, Time time,
                std::chrono::milliseconds slack) const;

 private:
  struct Own {
    std::string drive_id;
    std::uint64_t first;
    std::uint64_t end;
    Time begin;
    Time finish;  // max while it runs
  };
  void Begin(Own own);
  void Finish(bool failed, Time now);

  mutable std::mutex mutex_;
  std::deque<Own> reads_;  // the newest last
};

}  // namespace remapfleet::agent
