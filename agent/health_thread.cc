#include "agent/health_thread.h"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <mutex>

namespace remapfleet::agent {

HealthThread::HealthThread(DriveTable& drives, SmartSource& source, RecordSink& sink,
                           AgentState& state, const Clock& clock, std::chrono::seconds interval)
    : drives_(drives), source_(source), sink_(sink), state_(state), clock_(clock) {
  thread_ = std::jthread([this, interval](std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    while (!stop.stop_requested()) {
      ReadAll();
      std::unique_lock lock(mutex);
      stopped.wait_for(lock, stop, interval, [] { return false; });
    }
  });
}

void HealthThread::ReadAll() {
  drives_.Rescan();
  std::vector<v1::Record> records;
  for (const Drive& drive : drives_.All()) {
    v1::DriveHealth health;
    *health.mutable_drive() = drive.identity;
    source_.Read(drive.identity.path(), health);
    if (!drive.problem.empty()) health.add_problems(drive.problem);
    const TimePoint now = clock_.Now();
    state_.SetHealth(health, now);
    v1::Record& record = records.emplace_back();
    *record.mutable_time() = ToProto(now);
    *record.mutable_health() = std::move(health);
  }
  if (records.empty()) return;
  if (const auto stored = sink_.Append(std::move(records)); !stored) {
    spdlog::error("drive health cannot be stored: {}", stored.error().message());
  }
}

}  // namespace remapfleet::agent
