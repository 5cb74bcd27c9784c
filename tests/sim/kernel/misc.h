// Time, random numbers, checksums, strings, xarray, logging and what makes a module.
#pragma once
#include "work.h"

#ifdef __cplusplus
extern "C" {
#endif
ktime_t ktime_get(void);
static inline u64 ktime_get_ns(void) { return (u64)ktime_get(); }
time64_t ktime_get_real_seconds(void);
static inline time64_t ktime_get_seconds(void) { return ktime_get() / NSEC_PER_SEC; }
static inline time64_t ktime_get_boottime_seconds(void) { return ktime_get_seconds(); }
static inline u64 ktime_get_boottime_ns(void) { return ktime_get_ns(); }
static inline u64 ktime_get_coarse_ns(void) { return ktime_get_ns(); }
static inline u64 local_clock(void) { return ktime_get_ns(); }
u32 get_random_u32(void);
static inline u64 get_random_u64(void) { return (u64)get_random_u32() << 32 | get_random_u32(); }
static inline u32 get_random_u32_below(u32 n) { return get_random_u32() % n; }
static inline u32 prandom_u32_max(u32 n) { return get_random_u32() % n; }
void generate_random_uuid(unsigned char uuid[16]);
u32 crc32c(u32 crc, const void *data, unsigned int len);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
ssize_t strscpy(char *to, const char *from, size_t size);
void sort(void *base, size_t num, size_t size, int (*cmp)(const void *, const void *),
          void (*swp)(void *, void *, int));
static inline u32 hash_64(u64 v, unsigned int bits) {
  return (u32)(v * 0x61C8864680B583EBull >> (64 - bits));
}
static inline u32 hash_32(u32 v, unsigned int bits) { return v * 0x61C88647u >> (32 - bits); }

struct xarray {
  unsigned long *index;
  void **entry;
  unsigned char *marks;
  unsigned long n, room;
};
typedef unsigned int xa_mark_t;
#define XA_MARK_0 0U
#define XA_MARK_1 1U
#define XA_MARK_2 2U
#define XA_PRESENT 8U
#define xa_init(xa) memset(xa, 0, sizeof(*(xa)))
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, unsigned int filter);
void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max,
                    unsigned int filter);
void xa_destroy(struct xarray *xa);
int xa_err(void *entry);
void xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
void xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
bool xa_get_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
bool xa_marked(const struct xarray *xa, xa_mark_t mark);
static inline bool xa_empty(const struct xarray *xa) { return !xa->n; }
#define xa_for_each(xa, i, e)                                \
  for (i = 0, e = xa_find(xa, &i, ULONG_MAX, XA_PRESENT); e; \
       e = xa_find_after(xa, &i, ULONG_MAX, XA_PRESENT))

#define xa_for_each_marked(xa, i, e, mark) \
  for (i = 0, e = xa_find(xa, &i, ULONG_MAX, mark); e; e = xa_find_after(xa, &i, ULONG_MAX, mark))
#define xa_for_each_start(xa, i, e, start)                         \
  for (i = (start), e = xa_find(xa, &i, ULONG_MAX, XA_PRESENT); e; \
       e = xa_find_after(xa, &i, ULONG_MAX, XA_PRESENT))
#define xa_for_each_range(xa, i, e, start, last)              \
  for (i = (start), e = xa_find(xa, &i, last, XA_PRESENT); e; \
       e = xa_find_after(xa, &i, last, XA_PRESENT))

struct module;
#define THIS_MODULE ((struct module *)0)
#define MODULE_LICENSE(x) extern int sim_unused_
#define MODULE_AUTHOR(x) extern int sim_unused_
#define MODULE_DESCRIPTION(x) extern int sim_unused_
#define MODULE_ALIAS(x) extern int sim_unused_
#define MODULE_SOFTDEP(x) extern int sim_unused_
#define MODULE_PARM_DESC(n, x) extern int sim_unused_
#define module_param(n, t, p) extern int sim_unused_
#define module_param_named(n, v, t, p) extern int sim_unused_
#define module_init(f)                                                             \
  __attribute__((visibility("default"))) int sim_module_init(void) { return f(); } \
  extern int sim_unused_
#define module_exit(f)                                                       \
  __attribute__((visibility("default"))) void sim_module_exit(void) { f(); } \
  extern int sim_unused_
#define EXPORT_SYMBOL_GPL(x) extern int sim_unused_

#define TP_PROTO(...) __VA_ARGS__
#define TP_ARGS(...) __VA_ARGS__
#define TRACE_EVENT(name, proto, ...)                               \
  static inline void trace_##name(proto) {}                         \
  static inline bool trace_##name##_enabled(void) { return false; } \
  extern int sim_unused_
#define DECLARE_EVENT_CLASS(name, proto, ...) extern int sim_unused_
#define DEFINE_EVENT(class_, name, proto, args) TRACE_EVENT(name, TP_PROTO(proto), args)

struct static_key_false {
  int on;
};
#define DECLARE_STATIC_KEY_FALSE(name) extern struct static_key_false name
#define DEFINE_STATIC_KEY_FALSE(name) struct static_key_false name
#define static_branch_unlikely(k) ((k)->on > 0)
#define static_branch_inc(k) ((k)->on++)
#define static_branch_dec(k) ((k)->on--)
#ifdef __cplusplus
}
#endif
