#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

namespace remapfleet::sim {
namespace {

constexpr std::uint64_t kStepsWithoutEnd = 2'000'000;

bool CanRun(Task* task) { return task->ready == nullptr || task->ready(task->ready_argument); }

}  // namespace

World& World::Get() {
  static World world;
  return world;
}

World::World() = default;
World::~World() = default;

std::unique_ptr<Task> World::NewTask() {
  if (spare_.empty()) return std::make_unique<Task>();
  auto task = std::move(spare_.back());
  spare_.pop_back();
  return task;
}

void World::Spawn(const char* name, Context context, std::function<void()> body) {
  auto task = NewTask();
  task->name = name;
  task->context = context;
  task->body = std::move(body);
  task->cpu = static_cast<unsigned>(random_.Below(2));
  task->locks = task->mutexes = task->noio = 0;
  task->ready = nullptr;
  task->fiber.Start(
      [](void* argument) {
        auto* self = static_cast<Task*>(argument);
        self->body();
        auto& world = World::Get();
        if (self->locks != 0 || self->mutexes != 0)
          world.Fail(std::string(self->name) + " ended with a lock held");
        if (self->noio != 0)
          world.Fail(std::string(self->name) + " ended with memalloc_noio_save() unbalanced");
        world.ended_ = true;
      },
      task.get());
  tasks_.push_back(std::move(task));
}

void World::RemoveSource(Source* source) { std::erase(sources_, source); }

void World::Run(Task* task) {
  current_ = task;
  ended_ = false;
  task->fiber.Enter();
  current_ = nullptr;
  if (!ended_) return;
  auto at =
      std::find_if(tasks_.begin(), tasks_.end(), [task](const auto& t) { return t.get() == task; });
  (*at)->body = nullptr;
  spare_.push_back(std::move(*at));
  *at = std::move(tasks_.back());
  tasks_.pop_back();
}

bool World::Step() {
  steps_++;
  now_ns_ += 20'000;
  if (next_timer <= now_ns_) fire_timers();
  std::uint64_t choices = 0;
  // a task weighs more than an I/O, so that many I/Os do not starve the few tasks
  constexpr unsigned kTaskWeight = 2;
  static std::vector<Task*> can_run;
  can_run.clear();
  for (auto& task : tasks_)
    if (CanRun(task.get())) can_run.push_back(task.get());
  choices = can_run.size() * kTaskWeight;
  static std::vector<unsigned> per_source;
  per_source.clear();
  for (Source* source : sources_) {
    per_source.push_back(source->Choices());
    choices += per_source.back();
  }
  if (choices == 0) return false;
  std::uint64_t pick = random_.Below(choices);
  if (pick < can_run.size() * kTaskWeight) {
    Task* task = can_run[pick / kTaskWeight];
    task->ready = nullptr;
    Run(task);
    return true;
  }
  pick -= can_run.size() * kTaskWeight;
  for (std::size_t i = 0; i < sources_.size(); i++) {
    if (pick < per_source[i]) {
      sources_[i]->Happen(static_cast<unsigned>(pick));
      return true;
    }
    pick -= per_source[i];
  }
  return true;
}

bool World::PassTime() {
  if (next_timer == UINT64_MAX) return false;
  now_ns_ = std::max(now_ns_, next_timer);
  fire_timers();
  return true;
}

void World::RunUntil(const std::function<bool()>& done, const char* what) {
  const std::uint64_t limit = steps_ + kStepsWithoutEnd;
  while (!failed() && !done()) {
    if (!Step() && !PassTime()) {
      std::string who;
      for (auto& task : tasks_)
        who += std::string(" ") + task->name + " waits for " + task->waits_for + ";";
      NoteFailure(std::string("nothing can happen any more while waiting for ") + what + ":" + who);
    } else if (steps_ > limit) {
      NoteFailure(std::string("no end to ") + what);
    }
  }
}

bool World::Idle() {
  if (!tasks_.empty()) return false;
  return std::all_of(sources_.begin(), sources_.end(), [](Source* s) { return s->Choices() == 0; });
}

void World::Kill() {
  for (auto& task : tasks_) {
    task->body = nullptr;
    spare_.push_back(std::move(task));
  }
  tasks_.clear();
  next_timer = UINT64_MAX;
}

void World::MaySleep(const char* what) {
  Task* t = current_;
  if (t == nullptr) std::abort();  // the simulation itself runs the target only in tasks
  if (t->context == Context::kSubmit || t->context == Context::kInterrupt)
    Fail(std::string(what) + " may sleep, called from " + t->name);
  if (t->locks != 0)
    Fail(std::string(what) + " may sleep, called with a spin lock or RCU read lock held");
}

void World::Wait(bool (*ready)(void*), void* argument, const char* what) {
  MaySleep(what);
  if (ready(argument) && !random_.OneIn(4)) return;
  current_->ready = ready;
  current_->ready_argument = argument;
  current_->waits_for = what;
  current_->fiber.Leave();
  // whoever was picked with it ready may not be the first to run
  while (!ready(argument)) {
    current_->ready = ready;
    current_->ready_argument = argument;
    current_->fiber.Leave();
  }
}

void World::Point() {
  if (preemption_ == 0 || current_ == nullptr || !random_.OneIn(preemption_)) return;
  current_->ready = nullptr;
  current_->fiber.Leave();
}

void World::NoteFailure(const std::string& message) {
  if (failure_.empty()) failure_ = message.empty() ? "failed" : message;
}

void World::Fail(const std::string& message) {
  NoteFailure(message);
  if (current_ == nullptr) std::abort();
  for (;;) {
    current_->ready = [](void*) { return false; };
    current_->fiber.Leave();
  }
}

}  // namespace remapfleet::sim

using remapfleet::sim::World;

extern "C" {
void sim_point() { World::Get().Point(); }
void sim_point_sleeping() {
  World::Get().MaySleep("cond_resched");
  World::Get().Point();
}
void sim_may_sleep(const char* what) { World::Get().MaySleep(what); }
void sim_wait(bool (*ready)(void*), void* arg, const char* what) {
  World::Get().Wait(ready, arg, what);
}
}
