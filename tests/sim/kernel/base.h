// The kernel's basic types, macros and bit operations, as far as the target uses them.
#pragma once
#include <errno.h>
#include <limits.h>
#include <linux/types.h>  // the generated one, which takes the system's
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef u64 sector_t;
typedef unsigned int gfp_t;
typedef unsigned int fmode_t;
typedef u32 blk_opf_t;
typedef u8 blk_status_t;
typedef s64 ktime_t;
typedef s64 time64_t;

#ifdef __cplusplus
extern "C" {
#endif

// Where another CPU may do something in between; the scheduler decides whether it does.
void sim_point(void);
// Ends the run: the target has done what it must not.
void sim_fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
// Blocks the caller until ready(arg); misuse where one may not sleep.
void sim_wait(bool (*ready)(void *arg), void *arg, const char *what);
void sim_log(char level, const char *fmt, ...);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus  // what would get in the way of C++

#undef LINE_MAX
#define __rcu
#define __force
#define __percpu
#define __iomem
#define __user
#define __init
#define __exit
#define __must_check
#define __read_mostly
#define __maybe_unused __attribute__((unused))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define noinline __attribute__((noinline))
#define __aligned(x) __attribute__((aligned(x)))
#define ____cacheline_aligned_in_smp __attribute__((aligned(64)))
#define ____cacheline_aligned __attribute__((aligned(64)))
#define __printf(a, b) __attribute__((format(printf, a, b)))
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x) ((void)0)
#define __release(x) ((void)0)
#define fallthrough __attribute__((fallthrough))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ __volatile__("" ::: "memory")
#define smp_mb() sim_point()
#define smp_rmb() sim_point()
#define smp_wmb() sim_point()
#define smp_mb__after_atomic() sim_point()
#define smp_mb__before_atomic() sim_point()
#define READ_ONCE(x)                       \
  ({                                       \
    sim_point();                           \
    *(const volatile __typeof__(x) *)&(x); \
  })
#define WRITE_ONCE(x, v)                   \
  do {                                     \
    sim_point();                           \
    *(volatile __typeof__(x) *)&(x) = (v); \
  } while (0)
#define data_race(x) (x)
#define smp_load_acquire(p) READ_ONCE(*(p))
#define smp_store_release(p, v) WRITE_ONCE(*(p), v)
#define cmpxchg(p, o, n)          \
  ({                              \
    sim_point();                  \
    __typeof__(*(p)) was_ = *(p); \
    if (was_ == (o)) *(p) = (n);  \
    was_;                         \
  })
#define xchg(p, n)                \
  ({                              \
    sim_point();                  \
    __typeof__(*(p)) was_ = *(p); \
    *(p) = (n);                   \
    was_;                         \
  })

#define min(a, b)           \
  ({                        \
    __typeof__(a) a_ = (a); \
    __typeof__(b) b_ = (b); \
    a_ < b_ ? a_ : b_;      \
  })
#define max(a, b)           \
  ({                        \
    __typeof__(a) a_ = (a); \
    __typeof__(b) b_ = (b); \
    a_ > b_ ? a_ : b_;      \
  })
#define min_t(t, a, b) min((t)(a), (t)(b))
#define max_t(t, a, b) max((t)(a), (t)(b))
#define min3(a, b, c) min(min(a, b), c)
#define min_not_zero(a, b)             \
  ({                                   \
    __typeof__(a) a_ = (a);            \
    __typeof__(b) b_ = (b);            \
    !a_ ? b_ : !b_ ? a_ : min(a_, b_); \
  })
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define clamp_t(t, v, lo, hi) clamp((t)(v), (t)(lo), (t)(hi))
#define swap(a, b)          \
  do {                      \
    __typeof__(a) t_ = (a); \
    (a) = (b);              \
    (b) = t_;               \
  } while (0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define struct_size(p, member, n) (sizeof(*(p)) + sizeof((p)->member[0]) * (n))
#define array_size(a, b) ((size_t)(a) * (b))
#define sizeof_field(t, m) sizeof(((t *)0)->m)
#define BUILD_BUG_ON(c) _Static_assert(!(c), #c)
#define static_assert _Static_assert
#define WARN_ON(c)                                                    \
  ({                                                                  \
    bool c_ = !!(c);                                                  \
    if (c_) sim_fail("WARN_ON(%s) at %s:%d", #c, __FILE__, __LINE__); \
    c_;                                                               \
  })
#define WARN_ON_ONCE(c) WARN_ON(c)
#define WARN_ONCE(c, ...) WARN_ON(c)
#define BUG_ON(c) ((void)WARN_ON(c))
#define ERR_PTR(e) ((void *)(long)(e))
#define PTR_ERR(p) ((long)(p))
#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-4095)
#define IS_ERR_OR_NULL(p) (!(p) || IS_ERR(p))
#define IS_ENABLED(x) 0

#define current NULL
#define cond_resched() sim_point_sleeping()
#define might_sleep() sim_may_sleep("might_sleep")
#define fatal_signal_pending(t) false
#define signal_pending(t) false

static inline u16 le16_to_cpu(__le16 v) { return (__u16)v; }
static inline u32 le32_to_cpu(__le32 v) { return (__u32)v; }
static inline u64 le64_to_cpu(__le64 v) { return (__u64)v; }
static inline __le16 cpu_to_le16(u16 v) { return (__le16)v; }
static inline __le32 cpu_to_le32(u32 v) { return (__le32)v; }
static inline __le64 cpu_to_le64(u64 v) { return (__le64)v; }
#endif  // !__cplusplus

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define DIV_ROUND_UP(a, b) (((a) + (b)-1) / (b))
#define round_up(x, y) ((((x)-1) | ((__typeof__(x))(y)-1)) + 1)
#define round_down(x, y) ((x) & ~((__typeof__(x))(y)-1))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define BITS_PER_LONG 64
#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, BITS_PER_LONG)
#define U8_MAX ((u8)~0U)
#define U16_MAX ((u16)~0U)
#define U32_MAX ((u32)~0U)
#define U64_MAX (~0ULL)
#define S64_MAX ((s64)(U64_MAX >> 1))
#define PAGE_SIZE 4096UL
#define PAGE_SHIFT 12
#define PAGE_SECTORS 8
#define SECTOR_SHIFT 9
#define SECTOR_SIZE 512
#define HZ 250
#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_USEC 1000L
#define USEC_PER_SEC 1000000L
#define MSEC_PER_SEC 1000L

#ifdef __cplusplus
extern "C" {
#endif
void sim_may_sleep(const char *what);
void sim_point_sleeping(void);

static inline void set_bit(unsigned long n, volatile unsigned long *a) {
  sim_point();
  ((unsigned long *)a)[n / 64] |= 1UL << (n % 64);
}
static inline void clear_bit(unsigned long n, volatile unsigned long *a) {
  sim_point();
  ((unsigned long *)a)[n / 64] &= ~(1UL << (n % 64));
}
static inline bool test_bit(unsigned long n, const volatile unsigned long *a) {
  sim_point();
  return a[n / 64] >> (n % 64) & 1;
}
static inline bool test_and_set_bit(unsigned long n, volatile unsigned long *a) {
  bool was = test_bit(n, a);

  ((unsigned long *)a)[n / 64] |= 1UL << (n % 64);
  return was;
}
static inline bool test_and_clear_bit(unsigned long n, volatile unsigned long *a) {
  bool was = test_bit(n, a);

  ((unsigned long *)a)[n / 64] &= ~(1UL << (n % 64));
  return was;
}
static inline void __set_bit(unsigned long n, unsigned long *a) { a[n / 64] |= 1UL << (n % 64); }
static inline void __clear_bit(unsigned long n, unsigned long *a) {
  a[n / 64] &= ~(1UL << (n % 64));
}
static inline unsigned long find_next_bit(const unsigned long *a, unsigned long size,
                                          unsigned long at) {
  while (at < size && !(a[at / 64] >> (at % 64) & 1)) at++;
  return at < size ? at : size;
}
static inline unsigned long find_next_zero_bit(const unsigned long *a, unsigned long size,
                                               unsigned long at) {
  while (at < size && (a[at / 64] >> (at % 64) & 1)) at++;
  return at < size ? at : size;
}
static inline unsigned long find_first_bit(const unsigned long *a, unsigned long size) {
  return find_next_bit(a, size, 0);
}
static inline unsigned long find_first_zero_bit(const unsigned long *a, unsigned long size) {
  return find_next_zero_bit(a, size, 0);
}
#define for_each_set_bit(n, a, size) \
  for ((n) = find_first_bit(a, size); (n) < (size); (n) = find_next_bit(a, size, (n) + 1))
static inline void change_bit(unsigned long n, volatile unsigned long *a) {
  sim_point();
  ((unsigned long *)a)[n / 64] ^= 1UL << (n % 64);
}
static inline unsigned int hweight32(u32 v) { return (unsigned int)__builtin_popcount(v); }
static inline unsigned int hweight64(u64 v) { return (unsigned int)__builtin_popcountll(v); }
static inline int fls64(u64 v) { return v ? 64 - __builtin_clzll(v) : 0; }
static inline int fls(u32 v) { return v ? 32 - __builtin_clz(v) : 0; }
static inline int ilog2(u64 v) { return fls64(v) - 1; }
static inline bool is_power_of_2(u64 v) { return v && !(v & (v - 1)); }
static inline unsigned long __ffs64(u64 v) { return (unsigned long)__builtin_ctzll(v); }
static inline unsigned long __ffs(unsigned long v) { return (unsigned long)__builtin_ctzl(v); }
static inline unsigned long roundup_pow_of_two(unsigned long v) {
  return v < 2 ? 1 : 1UL << fls64(v - 1);
}
static inline u64 div_u64(u64 a, u32 b) { return a / b; }
static inline u64 div64_u64(u64 a, u64 b) { return a / b; }
static inline u64 div_u64_rem(u64 a, u32 b, u32 *rem) {
  *rem = (u32)(a % b);
  return a / b;
}
__extension__ typedef unsigned __int128 sim_u128;
static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c) { return (u64)((sim_u128)a * b / c); }
static inline u64 mul_u64_u32_shr(u64 a, u32 b, unsigned int s) {
  return (u64)((sim_u128)a * b >> s);
}
#define do_div(n, base)             \
  ({                                \
    u32 rem_ = (u32)((n) % (base)); \
    (n) /= (base);                  \
    rem_;                           \
  })
#ifdef __cplusplus
}
#endif
