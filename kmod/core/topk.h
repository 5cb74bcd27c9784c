/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The most frequent keys of a stream (space-saving, Metwally et al.): whatever
 * makes up more than 1/RM_TOPK of what was added is in it.
 */
#ifndef REMAP_TOPK_H
#define REMAP_TOPK_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_TOPK		64
#define RM_TOPK_AGE	65536	/* all counts are halved after so many: what was hot fades */

struct rm_topk_entry {
	u64 key;
	u32 count;
	u32 over;	/* at most so many of them are not its own */
};

struct rm_topk {
	unsigned int n;
	u32 added;
	struct rm_topk_entry entry[RM_TOPK];	/* the most frequent first */
};

void rm_topk_add(struct rm_topk *t, u64 key);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_TOPK_H */
