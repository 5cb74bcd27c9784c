#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <thread>

#include "agent/disks/drives.h"
#include "agent/faults/error_source.h"
#include "agent/faults/own_reads.h"
#include "agent/faults/storm.h"
#include "agent/heartbeats.h"
#include "agent/link/record_sink.h"
#include "agent/metrics/agent_state.h"
#include "agent/remap_thread.h"
#include "support/bounded_queue.h"

namespace remapfleet::agent {

// Turns kernel errors into records, and has the surroundings of read errors on remapped drives
// checked. One thread takes errors, one reads; errors that the checks themselves provoke are marked
// so, and start no further check.
class FaultThread {
 public:
  // All must outlive it. UNAVAILABLE without any source of errors.
  static Result<std::unique_ptr<FaultThread>> Start(DriveTable& drives, const RemapThread& remap,
                                                    RecordSink& sink, AgentState& state,
                                                    const Clock& clock,
                                                    const StartErrorSource& start_source,
                                                    OpenReads open_reads, Heartbeats& heartbeats);
  ~FaultThread();

  // Has the surroundings of a place that could not be read checked, unless a check waits already.
  // Any thread.
  void CheckAround(v1::IoError error) { (void)checks_.TryPush(std::move(error)); }

 private:
  FaultThread(DriveTable& drives, const RemapThread& remap, RecordSink& sink, AgentState& state,
              const Clock& clock, OpenReads open_reads, Heartbeats& heartbeats);
  void Run(std::stop_token stop);
  // False if there was nothing to take until the deadline.
  bool TakeNext(std::stop_token stop, std::chrono::steady_clock::time_point deadline);
  void Take(const SeenError& seen);
  std::optional<Drive> Find(const SeenError& seen);
  void Report(std::vector<v1::IoError> errors);
  void ReportGap(std::uint64_t lost, const std::string& reason);
  void Plan(const v1::IoError& error);
  void RunChecks(std::stop_token stop);
  void Check(const v1::IoError& error, std::stop_token stop);

  DriveTable& drives_;
  const RemapThread& remap_;
  RecordSink& sink_;
  AgentState& state_;
  const Clock& clock_;
  const OpenReads open_reads_;
  const std::shared_ptr<Heartbeats::Heart> heart_;
  OwnReads own_reads_;
  BoundedQueue<FaultEvent> events_;
  Storm storm_;
  BoundedQueue<v1::IoError> checks_;
  std::map<std::string, std::chrono::steady_clock::time_point> next_check_;  // by drive: not before
  // By device that no scan has found: not before.
  std::map<std::string, std::chrono::steady_clock::time_point> next_rescan_;
  std::atomic<bool> checking_{false};
  std::unique_ptr<ErrorSource> source_;
  std::jthread thread_;
  std::jthread check_thread_;
};

}  // namespace remapfleet::agent
