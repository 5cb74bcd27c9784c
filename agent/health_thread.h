#pragma once

#include <condition_variable>
#include <thread>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/link/record_sink.h"
#include "agent/metrics/agent_state.h"
#include "support/clock.h"

namespace remapfleet::agent {

// Looks for drives and reads their health, now and then.
class HealthThread {
 public:
  // All must outlive it.
  HealthThread(DriveTable& drives, SmartSource& source, RecordSink& sink, AgentState& state,
               const Clock& clock, std::chrono::seconds interval);

 private:
  void ReadAll();

  DriveTable& drives_;
  SmartSource& source_;
  RecordSink& sink_;
  AgentState& state_;
  const Clock& clock_;
  std::jthread thread_;
};

}  // namespace remapfleet::agent
