// The simulated machine's time and order: one thing runs at a time, and a seed decides which.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/fiber.h"

namespace remapfleet::sim {

// xoshiro-like generator: small, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  std::uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::uint64_t Below(std::uint64_t n) { return n == 0 ? 0 : Next() % n; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }

 private:
  std::uint64_t state_;
};

enum class Context : std::uint8_t {
  kProcess,    // may sleep
  kReclaim,    // a worker that I/O waits for: may sleep, may not allocate with I/O
  kSubmit,     // map(): may not sleep
  kInterrupt,  // end_io(): may not sleep, interrupts are off
};

struct Task {
  Fiber fiber;
  std::function<void()> body;
  Context context = Context::kProcess;
  const char* name = "";
  unsigned cpu = 0;
  unsigned locks = 0;  // spin locks and RCU read sections: no sleep
  unsigned mutexes = 0;
  unsigned noio = 0;
  bool (*ready)(void*) = nullptr;  // waits for it; null: can go on
  void* ready_argument = nullptr;
  const char* waits_for = "";
};

// Something that can happen at any time: a disk with I/O under way, a queue with work in it.
class Source {
 public:
  virtual ~Source() = default;
  virtual unsigned Choices() = 0;  // how many things could happen now
  virtual void Happen(unsigned which) = 0;
};

class World {
 public:
  World();
  ~World();
  static World& Get();

  // What happens from here on depends on the seed only.
  void Restart(std::uint64_t seed) {
    random_ = Random(seed);
    now_ns_ = kStart;
  }
  Random& random() { return random_; }
  void Spawn(const char* name, Context context, std::function<void()> body);
  void AddSource(Source* source) { sources_.push_back(source); }
  void RemoveSource(Source* source);

  // Lets one thing happen; false if nothing can but for time passing.
  bool Step();
  // Lets time pass up to the next timer; false if there is none.
  bool PassTime();
  // Until done() or until something fails; fails itself when nothing can happen any more.
  void RunUntil(const std::function<bool()>& done, const char* what);
  bool Idle();  // nothing runs, nothing is under way
  // The power is gone: all tasks are dropped where they stand.
  void Kill();

  Task* current() { return current_; }
  void Wait(bool (*ready)(void*), void* argument, const char* what);
  void Point();  // another CPU may go first
  void MaySleep(const char* what);
  [[noreturn]] void Fail(const std::string& message);  // from within a task
  void NoteFailure(const std::string& message);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  void ClearFailure() { failure_.clear(); }

  std::uint64_t now() const { return now_ns_; }
  void Tick() { now_ns_ += 1000; }
  std::uint64_t steps() const { return steps_; }
  // How likely another CPU goes first at a point: one in so many, 0 for never.
  void set_preemption(unsigned one_in) { preemption_ = one_in; }
  std::uint64_t next_timer = UINT64_MAX;  // kept by work.cc
  void (*fire_timers)() = nullptr;

 private:
  static constexpr std::uint64_t kStart = 1'000'000'000;  // ns
  void Run(Task* task);
  std::unique_ptr<Task> NewTask();

  Random random_{0};
  std::vector<Source*> sources_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::unique_ptr<Task>> spare_;
  Task* current_ = nullptr;
  std::string failure_;
  std::uint64_t now_ns_ = kStart;
  std::uint64_t steps_ = 0;
  unsigned preemption_ = 40;
  bool ended_ = false;
};

}  // namespace remapfleet::sim
