// Work queues: what is queued is run by the scheduler when it likes.
#pragma once
#include "list.h"
#include "sync.h"

struct work_struct;
struct workqueue_struct;
typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
  work_func_t func;
  struct workqueue_struct *wq;
  struct list_head list;
  bool pending;
};
struct timer_list {
  u64 expires;
  bool armed;
  struct list_head list;
};
struct delayed_work {
  struct work_struct work;
  struct timer_list timer;
  struct workqueue_struct *wq;
};

#define WQ_MEM_RECLAIM 1U
#define WQ_UNBOUND 2U
#define WQ_HIGHPRI 4U
#define WQ_FREEZABLE 8U
#define WQ_SYSFS 16U
#define WQ_PERCPU 32U
#ifdef __cplusplus
extern "C" {
#endif
struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags, int max_active, ...);
#define alloc_ordered_workqueue(fmt, flags, ...) alloc_workqueue(fmt, flags, 1, ##__VA_ARGS__)
void destroy_workqueue(struct workqueue_struct *wq);
void flush_workqueue(struct workqueue_struct *wq);
void drain_workqueue(struct workqueue_struct *wq);
void sim_init_work(struct work_struct *w, work_func_t f);
void sim_init_delayed_work(struct delayed_work *w, work_func_t f);
#define INIT_WORK(w, f) sim_init_work(w, f)
#define INIT_DELAYED_WORK(w, f) sim_init_delayed_work(w, f)
bool queue_work(struct workqueue_struct *wq, struct work_struct *w);
bool cancel_work_sync(struct work_struct *w);
bool flush_work(struct work_struct *w);
bool work_pending(struct work_struct *w);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *w, unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *w, unsigned long delay);
bool cancel_delayed_work(struct delayed_work *w);
bool cancel_delayed_work_sync(struct delayed_work *w);
bool flush_delayed_work(struct delayed_work *w);
bool delayed_work_pending(struct delayed_work *w);
static inline struct delayed_work *to_delayed_work(struct work_struct *w) {
  return container_of(w, struct delayed_work, work);
}
unsigned long sim_jiffies(void);
#define jiffies sim_jiffies()
static inline unsigned long msecs_to_jiffies(unsigned int ms) {
  return DIV_ROUND_UP(ms * (unsigned long)HZ, 1000);
}
static inline unsigned int jiffies_to_msecs(unsigned long j) {
  return (unsigned int)(j * 1000 / HZ);
}
static inline unsigned long nsecs_to_jiffies(u64 ns) { return ns / (NSEC_PER_SEC / HZ); }
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#ifdef __cplusplus
}
#endif
