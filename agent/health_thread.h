#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/disks/drives.h"
#include "agent/disks/health_readers.h"
#include "agent/disks/sent_logs.h"
#include "agent/disks/smart_source.h"
#include "agent/faults/latency_watch.h"
#include "agent/heartbeats.h"
#include "agent/link/record_sink.h"
#include "agent/metrics/agent_state.h"
#include "support/clock.h"

namespace remapfleet::agent {

struct HealthTiming {
  std::chrono::milliseconds interval{300'000};
  std::chrono::milliseconds limit{35'000};  // a drive that takes longer does not answer
  unsigned at_once = 4;                     // reads
};

// Looks for drives, and reads the health of each now and then, and how long they took for their
// I/O.
class HealthThread {
 public:
  // Called on its thread with what a drive said, logs whole, or why it said nothing.
  using OnHealth = std::function<void(const Drive& drive, const v1::DriveHealth& health)>;

  // All must outlive it. `members` are the drives behind RAID controllers.
  HealthThread(DriveTable& drives, std::vector<Drive> members, std::shared_ptr<SmartSource> source,
               RecordSink& sink, AgentState& state, const Clock& clock, HealthTiming timing,
               Heartbeats& heartbeats, LatencyWatch& latency, OnHealth on_health = {});
  ~HealthThread();

  // A new stream has begun: the next logs of each drive are reported whole. Any thread.
  void TellLogsAnew() { sent_logs_.Forget(); }

  // Disks may have come or gone: new ones are read at once. Any thread.
  void Look();

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Answer = std::pair<Drive, v1::DriveHealth>;

  void Run(std::stop_token stop);
  std::vector<Answer> Await(std::stop_token stop, Time deadline, bool& look);
  std::vector<v1::Record> TakeOverdue(Time now);
  void FindDrives();
  void TellInventory();
  void StartRound();
  void TellLatency();
  v1::Record Take(Answer answer);
  void NoteSilence(const Drive& drive, const v1::DriveHealth& health, bool read);
  void Report(std::vector<v1::Record> records);

  DriveTable& drives_;
  const std::vector<Drive> members_;
  RecordSink& sink_;
  AgentState& state_;
  const Clock& clock_;
  const HealthTiming timing_;
  LatencyWatch& latency_;  // on this thread only
  const OnHealth on_health_;

  const std::shared_ptr<Heartbeats::Heart> heart_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Answer> answers_;
  bool look_ = false;

  SentLogs sent_logs_;
  std::map<std::string, v1::DriveIdentity> known_members_;  // by path, as they last said
  std::map<std::string, TimePoint> unanswered_;             // by path: when they were asked
  std::set<std::string> silent_;                            // paths
  std::set<std::string> asked_members_;                     // paths
  bool members_changed_ = false;
  bool told_ = false;          // an inventory, since the start
  std::set<std::string> ids_;  // of the drives there are

  HealthReaders readers_;
  std::jthread thread_;  // ends before the readers
};

}  // namespace remapfleet::agent
