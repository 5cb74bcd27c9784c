/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Neighbourhoods of errors, to be read before anything else: few, the oldest
 * first, those that overlap as one.
 */
#ifndef REMAP_NEAR_H
#define REMAP_NEAR_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_NEAR_MAX	16

struct rm_near_range {
	u64 first;
	u64 next;	/* still to be read from here on; */
	u64 last;	/* to here */
};

struct rm_near {
	u64 blocks;	/* of the device */
	u64 reach;	/* blocks on either side of an error */
	u64 dropped;	/* ranges there was no room for */
	unsigned int n;
	struct rm_near_range range[RM_NEAR_MAX];
};

void rm_near_init(struct rm_near *near, u64 blocks, u64 reach);
/* What is around @block has to be read; what has been read is not again. */
void rm_near_error(struct rm_near *near, u64 block);
/* At most @max blocks to read now: their number, 0 when there are none. */
u64 rm_near_take(struct rm_near *near, u64 max, u64 *first);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_NEAR_H */
