#include <algorithm>
#include <cstdlib>

#include "tests/sim/kernel.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

using remapfleet::sim::Context;
using remapfleet::sim::Source;
using remapfleet::sim::World;

struct workqueue_struct {
  list_head all;
  list_head queued;
  work_struct* running;
  unsigned flags;
};

namespace {

constexpr std::uint64_t kJiffy = 1'000'000'000 / HZ;

list_head& Queues() {
  static list_head queues = LIST_HEAD_INIT(queues);
  return queues;
}
list_head& Timers() {
  static list_head timers = LIST_HEAD_INIT(timers);
  return timers;
}

void SetNextTimer() {
  World& world = World::Get();
  world.next_timer = UINT64_MAX;
  timer_list* t = nullptr;
  list_for_each_entry(t, &Timers(), list) world.next_timer =
      std::min<std::uint64_t>(world.next_timer, t->expires);
}

void Disarm(timer_list* t) {
  if (!t->armed) return;
  t->armed = false;
  list_del(&t->list);
  SetNextTimer();
}

void FireTimers() {
  timer_list* t = nullptr;
  timer_list* next = nullptr;
  list_for_each_entry_safe(t, next, &Timers(), list) {
    if (t->expires > World::Get().now()) continue;
    t->armed = false;
    list_del(&t->list);
    auto* w = container_of(t, delayed_work, timer);
    if (!w->work.pending) {
      w->work.pending = true;
      w->work.wq = w->wq;
      list_add_tail(&w->work.list, &w->wq->queued);
    }
  }
  SetNextTimer();
}

// Starts what is queued; one at a time on a queue, as max_active 1 asks for.
class Workers : public Source {
 public:
  unsigned Choices() override {
    unsigned n = 0;
    workqueue_struct* wq = nullptr;
    list_for_each_entry(wq, &Queues(), all) n += wq->running == nullptr && !list_empty(&wq->queued);
    return n;
  }
  void Happen(unsigned which) override {
    workqueue_struct* wq = nullptr;
    list_for_each_entry(wq, &Queues(), all) {
      if (wq->running != nullptr || list_empty(&wq->queued)) continue;
      if (which-- == 0) break;
    }
    auto* w = list_first_entry(&wq->queued, work_struct, list);
    list_del_init(&w->list);
    w->pending = false;
    wq->running = w;
    const Context context =
        (wq->flags & WQ_MEM_RECLAIM) != 0 ? Context::kReclaim : Context::kProcess;
    World::Get().Spawn("worker", context, [wq, w] {
      w->func(w);
      wq->running = nullptr;
    });
  }
};

void Hook() {
  static Workers workers;
  static const bool once = [] {
    World::Get().AddSource(&workers);
    World::Get().fire_timers = FireTimers;
    return true;
  }();
  (void)once;
}

bool QueueIdle(void* q) {
  auto* wq = static_cast<workqueue_struct*>(q);
  return wq->running == nullptr && list_empty(&wq->queued);
}
bool WorkDone(void* a) {
  auto* w = static_cast<work_struct*>(a);
  return !w->pending && (w->wq == nullptr || w->wq->running != w);
}

bool Cancel(work_struct* w) {
  if (!w->pending) return false;
  w->pending = false;
  list_del_init(&w->list);
  return true;
}

}  // namespace

namespace remapfleet::sim {
void DropKernelWork() {
  Hook();
  INIT_LIST_HEAD(&Queues());
  INIT_LIST_HEAD(&Timers());
  World::Get().next_timer = UINT64_MAX;
}
}  // namespace remapfleet::sim

extern "C" {

workqueue_struct* alloc_workqueue(const char*, unsigned flags, int, ...) {
  Hook();
  auto* wq = static_cast<workqueue_struct*>(kzalloc(sizeof(workqueue_struct), GFP_KERNEL));
  if (wq == nullptr) return nullptr;
  wq->flags = flags;
  INIT_LIST_HEAD(&wq->queued);
  list_add_tail(&wq->all, &Queues());
  return wq;
}

void flush_workqueue(workqueue_struct* wq) { sim_wait(QueueIdle, wq, "flush_workqueue"); }
void drain_workqueue(workqueue_struct* wq) { flush_workqueue(wq); }

void destroy_workqueue(workqueue_struct* wq) {
  drain_workqueue(wq);
  timer_list* t = nullptr;
  list_for_each_entry(t, &Timers(), list) {
    if (container_of(t, delayed_work, timer)->wq == wq)
      World::Get().Fail("destroy_workqueue() with a timer armed for it");
  }
  list_del(&wq->all);
  kfree(wq);
}

void sim_init_work(work_struct* w, work_func_t f) {
  *w = {};
  w->func = f;
  INIT_LIST_HEAD(&w->list);
}

void sim_init_delayed_work(delayed_work* w, work_func_t f) {
  sim_init_work(&w->work, f);
  w->timer = {};
  w->wq = nullptr;
}

bool queue_work(workqueue_struct* wq, work_struct* w) {
  sim_point();
  if (w->pending) return false;
  w->pending = true;
  w->wq = wq;
  list_add_tail(&w->list, &wq->queued);
  sim_point();
  return true;
}

bool work_pending(work_struct* w) { return w->pending; }
bool flush_work(work_struct* w) {
  sim_wait(WorkDone, w, "flush_work");
  return true;
}
bool cancel_work_sync(work_struct* w) {
  const bool was = Cancel(w);
  sim_wait(WorkDone, w, "cancel_work_sync");
  return was;
}

bool queue_delayed_work(workqueue_struct* wq, delayed_work* w, unsigned long delay) {
  if (w->work.pending || w->timer.armed) return false;
  w->wq = wq;
  w->work.wq = wq;
  if (delay == 0) return queue_work(wq, &w->work);
  w->timer.expires = World::Get().now() + delay * kJiffy;
  w->timer.armed = true;
  list_add_tail(&w->timer.list, &Timers());
  SetNextTimer();
  return true;
}

bool mod_delayed_work(workqueue_struct* wq, delayed_work* w, unsigned long delay) {
  const bool was = cancel_delayed_work(w);
  queue_delayed_work(wq, w, delay);
  return was;
}

bool cancel_delayed_work(delayed_work* w) {
  const bool was = w->timer.armed || w->work.pending;
  Disarm(&w->timer);
  Cancel(&w->work);
  return was;
}

bool cancel_delayed_work_sync(delayed_work* w) {
  const bool was = cancel_delayed_work(w);
  sim_wait(WorkDone, &w->work, "cancel_delayed_work_sync");
  // a work that arms itself again is cancelled again
  cancel_delayed_work(w);
  return was;
}

bool flush_delayed_work(delayed_work* w) {
  if (w->timer.armed) {
    Disarm(&w->timer);
    queue_work(w->wq, &w->work);
  }
  return flush_work(&w->work);
}

bool delayed_work_pending(delayed_work* w) { return w->timer.armed || w->work.pending; }
unsigned long sim_jiffies() { return World::Get().now() / kJiffy; }
}
