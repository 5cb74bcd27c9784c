/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slots that were looked up last, for each CPU by itself: sets of four in a
 * cache line.  A set counts for one version of the map, so that a change of the
 * map makes all of it void at once.
 */
#ifndef REMAP_CACHE_H
#define REMAP_CACHE_H

#include "compat.h"

#define RM_CACHE_WAYS	4
#define RM_CACHE_BITS_MIN	4	/* sets, a power of two: 1 KiB */
#define RM_CACHE_BITS_MAX	11	/* 128 KiB */

struct rm_cache_set {
	unsigned long version;	/* of the map; 0: nothing is here */
	u64 block[RM_CACHE_WAYS];
	u32 slot[RM_CACHE_WAYS];
	u32 wanted;	/* a bit for each way that was found since the hand came by */
	u32 hand;	/* replaced next, unless wanted */
};

/* Two places for each of @n blocks, within bounds: sets are not filled evenly. */
static inline unsigned int rm_cache_bits(u64 n)
{
	unsigned int bits = RM_CACHE_BITS_MIN;

	while (bits < RM_CACHE_BITS_MAX && 2 * n > (u64)RM_CACHE_WAYS << bits)
		bits++;
	return bits;
}

/* Fibonacci hashing: neighbours go to sets of their own. */
static inline struct rm_cache_set *rm_cache_set_of(struct rm_cache_set *sets, unsigned int bits,
						   u64 block)
{
	return &sets[(block * 0x9e3779b97f4a7c15ULL) >> (64 - bits)];
}

static inline bool rm_cache_find(struct rm_cache_set *set, unsigned long version, u64 block,
				 u32 *slot)
{
	unsigned int i;

	if (set->version != version)
		return false;
	for (i = 0; i < RM_CACHE_WAYS; i++) {
		if (set->block[i] != block)
			continue;
		*slot = set->slot[i];
		if (!(set->wanted & 1U << i))
			set->wanted |= 1U << i;
		return true;
	}
	return false;
}

/* @version: of the map before it was looked in */
static inline void rm_cache_add(struct rm_cache_set *set, unsigned long version, u64 block,
				u32 slot)
{
	unsigned int i;

	if (set->version != version) {
		set->version = version;
		for (i = 0; i < RM_CACHE_WAYS; i++)
			set->block[i] = ~0ULL;
		set->wanted = 0;
	}
	while (set->wanted & 1U << set->hand) {
		set->wanted &= ~(1U << set->hand);
		set->hand = (set->hand + 1) % RM_CACHE_WAYS;
	}
	set->block[set->hand] = block;
	set->slot[set->hand] = slot;
	set->hand = (set->hand + 1) % RM_CACHE_WAYS;
}

#endif /* REMAP_CACHE_H */
