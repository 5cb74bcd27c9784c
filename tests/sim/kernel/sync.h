// Locks, RCU, SRCU, per-CPU data and atomics for two simulated CPUs.
#pragma once
#include "alloc.h"

#ifdef __cplusplus
extern "C" {
#endif
struct mutex {
  const void *owner;
};
#define DEFINE_MUTEX(name) struct mutex name = {NULL}
#define mutex_init(m) ((m)->owner = NULL)
#define mutex_destroy(m) ((void)(m))
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_locked(const struct mutex *m);
bool sim_mutex_held(const struct mutex *m);

typedef struct {
  const void *owner;
  bool in_irq;   // taken by an interrupt once
  bool irqs_on;  // taken with interrupts enabled once
} spinlock_t;
#define DEFINE_SPINLOCK(name) spinlock_t name = {NULL, false, false}
#define spin_lock_init(l) memset(l, 0, sizeof(*(l)))
void sim_spin_lock(spinlock_t *l, bool irqs_off);
void sim_spin_unlock(spinlock_t *l);
void sim_no_irq(const char *what);
bool sim_spin_held(const spinlock_t *l);
#define spin_lock(l) sim_spin_lock(l, false)
#define spin_unlock(l) sim_spin_unlock(l)
#define spin_lock_irq(l)         \
  do {                           \
    sim_no_irq("spin_lock_irq"); \
    sim_spin_lock(l, true);      \
  } while (0)
#define spin_unlock_irq(l) sim_spin_unlock(l)
#define spin_lock_irqsave(l, flags) \
  do {                              \
    (flags) = 0;                    \
    sim_spin_lock(l, true);         \
  } while (0)
#define spin_unlock_irqrestore(l, flags) \
  do {                                   \
    (void)(flags);                       \
    sim_spin_unlock(l);                  \
  } while (0)
#define spin_lock_bh(l) sim_spin_lock(l, true)
#define spin_unlock_bh(l) sim_spin_unlock(l)

struct srcu_struct {
  int readers[2];
  unsigned int index;
  bool synchronizing;
  void *callbacks;
};
struct rcu_head {
  struct rcu_head *next;
  void (*func)(struct rcu_head *head);
};
typedef void (*rcu_callback_t)(struct rcu_head *head);
int init_srcu_struct(struct srcu_struct *s);
void cleanup_srcu_struct(struct srcu_struct *s);
int __srcu_read_lock(struct srcu_struct *s);
void __srcu_read_unlock(struct srcu_struct *s, int index);
void synchronize_srcu(struct srcu_struct *s);
#define srcu_read_lock(s) __srcu_read_lock(s)
#define srcu_read_unlock(s, index) __srcu_read_unlock(s, index)
#define synchronize_srcu_expedited(s) synchronize_srcu(s)
void call_srcu(struct srcu_struct *s, struct rcu_head *head, rcu_callback_t func);
void srcu_barrier(struct srcu_struct *s);

extern struct srcu_struct sim_rcu;
int sim_rcu_lock(void);
void sim_rcu_unlock(void);
#define rcu_read_lock() ((void)sim_rcu_lock())
#define rcu_read_unlock() sim_rcu_unlock()
#define synchronize_rcu() synchronize_srcu(&sim_rcu)
#define synchronize_rcu_expedited() synchronize_srcu(&sim_rcu)
#define call_rcu(head, func) call_srcu(&sim_rcu, head, func)
#define rcu_barrier() srcu_barrier(&sim_rcu)

#define lockdep_is_held(l)                             \
  _Generic((l), struct mutex *                         \
           : sim_mutex_held((void *)(l)), spinlock_t * \
           : sim_spin_held((void *)(l)))
#define lockdep_assert_held(l)                                                     \
  do {                                                                             \
    if (!lockdep_is_held(l)) sim_fail("%s:%d: lock not held", __FILE__, __LINE__); \
  } while (0)
#define rcu_dereference(p) READ_ONCE(p)
#define srcu_dereference(p, s) READ_ONCE(p)
#define srcu_dereference_check(p, s, c) READ_ONCE(p)
#define rcu_dereference_raw(p) READ_ONCE(p)
#define rcu_dereference_check(p, c) READ_ONCE(p)
#define rcu_dereference_protected(p, c)                             \
  ({                                                                \
    if (!(c)) sim_fail("%s:%d: lock not held", __FILE__, __LINE__); \
    (p);                                                            \
  })
#define rcu_access_pointer(p) READ_ONCE(p)
#define rcu_assign_pointer(p, v) WRITE_ONCE(p, v)
#define rcu_replace_pointer(p, v, c) \
  ({                                 \
    __typeof__(p) was_ = (p);        \
    rcu_assign_pointer(p, v);        \
    was_;                            \
  })
#define RCU_INIT_POINTER(p, v) ((p) = (v))

#define SIM_CPUS 2
#define SIM_CPU_STRIDE 8192UL
unsigned int sim_cpu(void);
void *sim_alloc_percpu(size_t size);
void free_percpu(void *p);
#define alloc_percpu(type) ((type *)sim_alloc_percpu(sizeof(type)))
#define alloc_percpu_gfp(type, gfp) alloc_percpu(type)
#define per_cpu_ptr(p, cpu) ((__typeof__(p))((char *)(p) + (cpu)*SIM_CPU_STRIDE))
#define raw_cpu_ptr(p) per_cpu_ptr(p, sim_cpu())
#define this_cpu_ptr(p) raw_cpu_ptr(p)
#define get_cpu_ptr(p) raw_cpu_ptr(p)
#define put_cpu_ptr(p) ((void)(p))
#define this_cpu_inc(x) ((*per_cpu_ptr(&(x), sim_cpu()))++)
#define this_cpu_add(x, n) ((*per_cpu_ptr(&(x), sim_cpu())) += (n))
#define this_cpu_dec(x) ((*per_cpu_ptr(&(x), sim_cpu()))--)
#define this_cpu_read(x) (*per_cpu_ptr(&(x), sim_cpu()))
#define this_cpu_write(x, v) ((*per_cpu_ptr(&(x), sim_cpu())) = (v))
#define this_cpu_dec_return(x) (--(*per_cpu_ptr(&(x), sim_cpu())))
#define this_cpu_inc_return(x) (++(*per_cpu_ptr(&(x), sim_cpu())))
#define raw_smp_processor_id() sim_cpu()
#define smp_processor_id() sim_cpu()
#define get_cpu() sim_cpu()
#define put_cpu() ((void)0)
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < SIM_CPUS; (cpu)++)
#define num_possible_cpus() SIM_CPUS
#define nr_cpu_ids SIM_CPUS
#define preempt_disable() ((void)0)
#define preempt_enable() ((void)0)

typedef struct {
  int counter;
} atomic_t;
typedef struct {
  s64 counter;
} atomic64_t;
#define ATOMIC_INIT(i) \
  { (i) }
#define SIM_ATOMICS(name, type, value)                      \
  static inline value name##_read(const type *v) {          \
    sim_point();                                            \
    return v->counter;                                      \
  }                                                         \
  static inline void name##_set(type *v, value i) {         \
    sim_point();                                            \
    v->counter = i;                                         \
  }                                                         \
  static inline void name##_inc(type *v) {                  \
    sim_point();                                            \
    v->counter++;                                           \
  }                                                         \
  static inline void name##_dec(type *v) {                  \
    sim_point();                                            \
    v->counter--;                                           \
  }                                                         \
  static inline void name##_add(value i, type *v) {         \
    sim_point();                                            \
    v->counter += i;                                        \
  }                                                         \
  static inline void name##_sub(value i, type *v) {         \
    sim_point();                                            \
    v->counter -= i;                                        \
  }                                                         \
  static inline value name##_inc_return(type *v) {          \
    sim_point();                                            \
    return ++v->counter;                                    \
  }                                                         \
  static inline value name##_add_return(value i, type *v) { \
    sim_point();                                            \
    return v->counter += i;                                 \
  }                                                         \
  static inline value name##_xchg(type *v, value i) {       \
    value was;                                              \
    sim_point();                                            \
    was = v->counter;                                       \
    v->counter = i;                                         \
    return was;                                             \
  }                                                         \
  static inline bool name##_dec_and_test(type *v) {         \
    sim_point();                                            \
    return !--v->counter;                                   \
  }
SIM_ATOMICS(atomic, atomic_t, int)
SIM_ATOMICS(atomic64, atomic64_t, s64)

struct completion {
  unsigned int done;
};
void init_completion(struct completion *c);
void complete(struct completion *c);
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
#define reinit_completion(c) init_completion(c)
#define wait_for_completion_io(c) wait_for_completion(c)
#ifdef __cplusplus
}
#endif
