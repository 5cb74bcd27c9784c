/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Valid masks: one bit for each sector of a block.
 */
#ifndef REMAP_VMASK_H
#define REMAP_VMASK_H

#include "compat.h"

/* Bits [first, first + n) of a block of at most 64 sectors. */
static inline u64 rm_vmask(unsigned int first, unsigned int n)
{
	if (!n)
		return 0;
	return (~0ULL >> (64 - n)) << first;
}

static inline bool rm_vmask_covers(u64 mask, u64 want)
{
	return (mask & want) == want;
}

/*
 * The first run of set bits at or behind *@first; *@first and the return value
 * say where it is and how long.  0 when there is none.
 */
static inline unsigned int rm_vmask_run(u64 mask, unsigned int *first)
{
	unsigned int n = 0;

	while (*first < 64 && !(mask >> *first & 1))
		(*first)++;
	while (*first + n < 64 && (mask >> (*first + n) & 1))
		n++;
	return n;
}

#endif /* REMAP_VMASK_H */
