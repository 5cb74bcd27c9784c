#include <cstdlib>

#include "tests/sim/kernel.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

using remapfleet::sim::Context;
using remapfleet::sim::Task;
using remapfleet::sim::World;

namespace {

Task* Me() { return World::Get().current(); }
bool Unlocked(void* m) { return static_cast<mutex*>(m)->owner == nullptr; }

// Waits without sleeping: the other CPU has the lock.
void Spin(spinlock_t* lock) {
  Task* me = Me();
  while (lock->owner != nullptr) {
    if (lock->owner == me) World::Get().Fail("a spin lock is taken twice");
    me->ready = [](void* l) { return static_cast<spinlock_t*>(l)->owner == nullptr; };
    me->ready_argument = lock;
    me->waits_for = "a spin lock";
    me->fiber.Leave();
  }
}

bool NoReaders(void* readers) { return *static_cast<int*>(readers) == 0; }

}  // namespace

namespace remapfleet::sim {
void DropRcu() { sim_rcu = {}; }
}  // namespace remapfleet::sim

extern "C" {

void mutex_lock(struct mutex* m) {
  if (m->owner == Me()) World::Get().Fail("a mutex is taken twice");
  sim_wait(Unlocked, m, "a mutex");
  m->owner = Me();
  Me()->mutexes++;
}

bool mutex_trylock(struct mutex* m) {
  sim_point();
  if (m->owner != nullptr) return false;
  m->owner = Me();
  Me()->mutexes++;
  return true;
}

void mutex_unlock(struct mutex* m) {
  if (m->owner != Me()) World::Get().Fail("a mutex is released by who does not hold it");
  m->owner = nullptr;
  Me()->mutexes--;
  sim_point();
}

bool mutex_is_locked(const struct mutex* m) { return m->owner != nullptr; }
bool sim_mutex_held(const struct mutex* m) { return m->owner == Me(); }

void sim_no_irq(const char* what) {
  if (Me()->context == Context::kInterrupt)
    World::Get().Fail(std::string(what) + " in interrupt context");
}

void sim_spin_lock(spinlock_t* lock, bool irqs_off) {
  lock->in_irq |= Me()->context == Context::kInterrupt;
  lock->irqs_on |= !irqs_off && Me()->context != Context::kInterrupt;
  if (lock->in_irq && lock->irqs_on)
    World::Get().Fail("a spin lock that interrupts take is taken with interrupts on");
  sim_point();
  Spin(lock);
  lock->owner = Me();
  Me()->locks++;
}

void sim_spin_unlock(spinlock_t* lock) {
  if (lock->owner != Me()) World::Get().Fail("a spin lock is released by who does not hold it");
  lock->owner = nullptr;
  Me()->locks--;
  sim_point();
}

bool sim_spin_held(const spinlock_t* lock) { return lock->owner == Me(); }

struct srcu_struct sim_rcu;

int init_srcu_struct(struct srcu_struct* s) {
  *s = {};
  return 0;
}

void cleanup_srcu_struct(struct srcu_struct* s) {
  if (s->readers[0] != 0 || s->readers[1] != 0)
    World::Get().Fail("cleanup_srcu_struct() with readers");
  if (s->callbacks != nullptr) World::Get().Fail("cleanup_srcu_struct() with callbacks left");
}

int __srcu_read_lock(struct srcu_struct* s) {
  sim_point();
  const int index = static_cast<int>(s->index & 1);
  s->readers[index]++;
  return index;
}

void __srcu_read_unlock(struct srcu_struct* s, int index) {
  if (index < 0 || index > 1 || s->readers[index] <= 0)
    World::Get().Fail("srcu_read_unlock() without a lock");
  s->readers[index]--;
  sim_point();
}

void synchronize_srcu(struct srcu_struct* s) {
  World::Get().MaySleep("synchronize_srcu");
  sim_wait([](void* a) { return !static_cast<srcu_struct*>(a)->synchronizing; }, s,
           "another synchronize_srcu()");
  s->synchronizing = true;
  const unsigned old = s->index & 1;
  s->index++;
  sim_wait(NoReaders, &s->readers[old], "SRCU readers");
  s->synchronizing = false;
}

void call_srcu(struct srcu_struct* s, struct rcu_head* head, rcu_callback_t func) {
  head->func = func;
  head->next = static_cast<rcu_head*>(s->callbacks);
  s->callbacks = head;
  World::Get().Spawn("call_srcu", Context::kProcess, [s] {
    synchronize_srcu(s);
    auto* list = static_cast<rcu_head*>(s->callbacks);
    // what was added since would need another grace period; it has a task of its own
    if (list == nullptr) return;
    rcu_head* last = nullptr;
    for (auto** at = &list; *at != nullptr; at = &(*at)->next) last = *at;
    auto** link = reinterpret_cast<rcu_head**>(&s->callbacks);
    while (*link != last) link = &(*link)->next;
    *link = nullptr;
    last->func(last);
  });
}

void srcu_barrier(struct srcu_struct* s) {
  sim_wait([](void* a) { return static_cast<srcu_struct*>(a)->callbacks == nullptr; }, s,
           "srcu_barrier");
}

int sim_rcu_lock() {
  // the index is kept with the task: read sections do not leave it
  Task* me = Me();
  me->locks++;
  return sim_rcu.readers[me->locks > 1 ? 0 : 0]++;
}

void sim_rcu_unlock() {
  Me()->locks--;
  sim_rcu.readers[0]--;
  sim_point();
}

unsigned sim_cpu() { return Me()->cpu; }

void init_completion(struct completion* c) { c->done = 0; }
void complete(struct completion* c) {
  c->done++;
  sim_point();
}
void complete_all(struct completion* c) { c->done = 1U << 30; }
void wait_for_completion(struct completion* c) {
  sim_wait([](void* a) { return static_cast<completion*>(a)->done != 0; }, c, "a completion");
  c->done--;
}
}
