/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The little that the core needs from its surroundings, in the kernel and in
 * user space.
 */
#ifndef REMAP_COMPAT_H
#define REMAP_COMPAT_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/crc32.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>

#define rm_read_once(x)		READ_ONCE(x)
#define rm_write_once(x, v)	WRITE_ONCE(x, v)
/* Pointers to what is complete when it is stored. */
#define rm_load_pointer(p)	READ_ONCE(p)
/* pairs with the address dependency of what is loaded through the pointer */
#define rm_store_pointer(p, v)	smp_store_release(&(p), v)
/* What counts changes: who reads a number here sees all that was stored before. */
#define rm_load_acquire(x)	smp_load_acquire(&(x))
/* pairs with it */
#define rm_store_release(x, v)	smp_store_release(&(x), v)

/* The lowest and the highest bit of what is not 0. */
static inline u32 rm_low_bit(u64 v)
{
	return __ffs64(v);
}

static inline u32 rm_high_bit(u64 v)
{
	return fls64(v) - 1;
}

static inline void rm_sort(void *base, size_t n, size_t size,
			   int (*compare)(const void *a, const void *b))
{
	sort(base, n, size, compare, NULL);
}

static inline u32 rm_crc32c(u32 crc, const void *data, size_t len)
{
#ifdef RM_HAVE_CRC32C_LE
	return __crc32c_le(crc, data, len);
#else
	return crc32c(crc, data, len);
#endif
}

/* 64-bit division: the compiler's own does not link on every machine */
static inline u64 rm_div64(u64 a, u64 b)
{
	return div64_u64(a, b);
}

static inline u64 rm_mod64(u64 a, u64 b)
{
	return a - div64_u64(a, b) * b;
}

#else /* !__KERNEL__ */

#include <assert.h>
#include <errno.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define rm_read_once(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define rm_write_once(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define rm_load_pointer(p)	__atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rm_store_pointer(p, v)	__atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define rm_load_acquire(x)	__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define rm_store_release(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELEASE)

#ifndef min_t
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#endif

static inline u32 rm_low_bit(u64 v) { return (u32)__builtin_ctzll(v); }
static inline u32 rm_high_bit(u64 v) { return 63 - (u32)__builtin_clzll(v); }

static inline void rm_sort(void *base, size_t n, size_t size,
			   int (*compare)(const void *a, const void *b))
{
	qsort(base, n, size, compare);
}

static inline u16 le16_to_cpu(__le16 v) { return le16toh((__u16)v); }
static inline u32 le32_to_cpu(__le32 v) { return le32toh((__u32)v); }
static inline u64 le64_to_cpu(__le64 v) { return le64toh((__u64)v); }
static inline __le16 cpu_to_le16(u16 v) { return (__le16)htole16(v); }
static inline __le32 cpu_to_le32(u32 v) { return (__le32)htole32(v); }
static inline __le64 cpu_to_le64(u64 v) { return (__le64)htole64(v); }

static inline u64 rm_div64(u64 a, u64 b) { return a / b; }
static inline u64 rm_mod64(u64 a, u64 b) { return a % b; }

#ifdef __cplusplus
extern "C"
#endif
u32 rm_crc32c(u32 crc, const void *data, size_t len);

#endif /* __KERNEL__ */
#endif /* REMAP_COMPAT_H */
