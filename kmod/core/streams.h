/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether an I/O goes on where one of the last few streams ended.
 */
#ifndef REMAP_STREAMS_H
#define REMAP_STREAMS_H

#include "compat.h"

#define RM_STREAMS	4
#define RM_STREAM_SKIP	64	/* sectors that a stream may leave out */

/* One for each CPU; who is moved to another in between loses a count at most. */
struct rm_streams {
	u64 next[RM_STREAMS];
	u32 hand;	/* replaced next */
};

static inline bool rm_streams_go_on(struct rm_streams *s, u64 sector, u64 n)
{
	u64 *next = s->next;

	/* by hand: compilers leave it a loop */
	if (sector - next[0] >= RM_STREAM_SKIP && sector - *++next >= RM_STREAM_SKIP &&
	    sector - *++next >= RM_STREAM_SKIP && sector - *++next >= RM_STREAM_SKIP) {
		s->next[s->hand++ % RM_STREAMS] = sector + n;
		return false;
	}
	*next = sector + n;
	return true;
}

#endif /* REMAP_STREAMS_H */
