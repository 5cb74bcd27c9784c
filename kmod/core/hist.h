/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Latency histograms: bucket i counts what took less than 1024 << i ns, and
 * not less than half of that but for the first; the last one takes the rest.
 */
#ifndef REMAP_HIST_H
#define REMAP_HIST_H

#include "compat.h"

#define RM_HIST_BUCKETS	26
#define RM_HIST_FIRST_NS 1024

enum rm_hist_kind { RM_HIST_READ, RM_HIST_WRITE, RM_HIST_REMAPPED, RM_HIST_SLOW, RM_HIST_KINDS };

struct rm_hist {
	u64 count[RM_HIST_KINDS][RM_HIST_BUCKETS];
};

static inline unsigned int rm_hist_bucket(u64 ns)
{
	unsigned int i = 0;

	for (ns >>= 10; ns && i < RM_HIST_BUCKETS - 1; ns >>= 1)
		i++;
	return i;
}

#endif /* REMAP_HIST_H */
