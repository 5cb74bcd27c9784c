#include "agent/disks/health_readers.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace remapfleet::agent {

struct HealthReaders::State {
  struct Running {
    Drive drive;
    Time overdue_at;
    bool overdue = false;
  };
  std::shared_ptr<SmartSource> source;
  unsigned at_once = 1;
  std::chrono::milliseconds limit{};

  std::mutex mutex;
  std::condition_variable ended;
  Done done;  // called under `calling`, so that nobody is called once it is taken away
  std::mutex calling;
  bool closed = false;
  std::deque<Drive> waiting;
  std::map<std::string, Running> running;  // by path

  unsigned InTime() const {
    return static_cast<unsigned>(std::count_if(
        running.begin(), running.end(), [](const auto& entry) { return !entry.second.overdue; }));
  }
};

HealthReaders::HealthReaders(std::shared_ptr<SmartSource> source, unsigned at_once,
                             std::chrono::milliseconds limit, Done done)
    : state_(std::make_shared<State>()) {
  state_->source = std::move(source);
  state_->at_once = at_once;
  state_->limit = limit;
  state_->done = std::move(done);
}

HealthReaders::~HealthReaders() {
  {
    std::unique_lock lock(state_->mutex);
    state_->closed = true;
    state_->waiting.clear();
    state_->ended.wait_for(lock, state_->limit, [this] { return state_->InTime() == 0; });
  }
  const std::lock_guard lock(state_->calling);
  state_->done = nullptr;
}

bool HealthReaders::Start(const Drive& drive) {
  {
    const std::lock_guard lock(state_->mutex);
    const std::string& path = drive.identity.path();
    const bool waits = std::any_of(state_->waiting.begin(), state_->waiting.end(),
                                   [&](const Drive& d) { return d.identity.path() == path; });
    if (waits || state_->running.contains(path)) return false;
    state_->waiting.push_back(drive);
  }
  StartWaiting(state_);
  return true;
}

// The threads own what they use: one that the kernel holds may outlive everything else.
void HealthReaders::StartWaiting(const std::shared_ptr<State>& state) {
  const std::lock_guard lock(state->mutex);
  while (!state->closed && !state->waiting.empty() && state->InTime() < state->at_once) {
    Drive drive = std::move(state->waiting.front());
    state->waiting.pop_front();
    const std::string path = drive.identity.path();
    state->running.insert_or_assign(
        path, State::Running{drive, std::chrono::steady_clock::now() + state->limit});
    std::thread([state, drive = std::move(drive), path] {
      v1::DriveHealth health;
      *health.mutable_drive() = drive.identity;
      state->source->Read(drive, health);
      {
        const std::lock_guard calling(state->calling);
        if (state->done) state->done(drive, std::move(health));
      }
      {
        const std::lock_guard again(state->mutex);
        state->running.erase(path);
        state->ended.notify_all();
      }
      StartWaiting(state);
    }).detach();
  }
}

std::vector<Drive> HealthReaders::TakeOverdue(Time now) {
  std::vector<Drive> drives;
  {
    const std::lock_guard lock(state_->mutex);
    for (auto& [path, running] : state_->running) {
      if (running.overdue || running.overdue_at > now) continue;
      running.overdue = true;
      drives.push_back(running.drive);
    }
  }
  if (!drives.empty()) StartWaiting(state_);
  return drives;
}

std::optional<HealthReaders::Time> HealthReaders::NextOverdue() const {
  const std::lock_guard lock(state_->mutex);
  std::optional<Time> next;
  for (const auto& [path, running] : state_->running) {
    if (!running.overdue && (!next || running.overdue_at < *next)) next = running.overdue_at;
  }
  return next;
}

}  // namespace remapfleet::agent
