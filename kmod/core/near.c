// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of neighbourhoods.
 */
#include "near.h"

void rm_near_init(struct rm_near *near, u64 blocks, u64 reach)
{
	memset(near, 0, sizeof(*near));
	near->blocks = blocks;
	near->reach = reach;
}

void rm_near_error(struct rm_near *near, u64 block)
{
	u64 first = block > near->reach ? block - near->reach : 0;
	u64 last = near->blocks - block > near->reach ? block + near->reach : near->blocks - 1;
	unsigned int i;

	for (i = 0; i < near->n; i++) {
		struct rm_near_range *r = &near->range[i];

		if (first > r->last + 1 || last + 1 < r->first)
			continue;
		/* one found on the way extends it upwards only: nothing is read twice */
		if (block < r->first) {
			r->first = first;
			r->next = first;
		}
		if (last > r->last)
			r->last = last;
		return;
	}
	if (near->n == RM_NEAR_MAX) {
		near->dropped++;
		return;
	}
	near->range[near->n++] = (struct rm_near_range) {
		.first = first,
		.next = first,
		.last = last,
	};
}

u64 rm_near_take(struct rm_near *near, u64 max, u64 *first)
{
	struct rm_near_range *r = near->range;
	u64 n;

	while (near->n && r->next > r->last) {
		near->n--;
		memmove(r, r + 1, near->n * sizeof(*r));
	}
	if (!near->n)
		return 0;
	n = r->last - r->next + 1;
	if (n > max)
		n = max;
	*first = r->next;
	r->next += n;
	return n;
}
