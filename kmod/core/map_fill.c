// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling an empty lookup map at once.
 */
#include "map_private.h"

#define INSERTION_MAX	32

u32 rm_map_counted(const u32 *count, u32 s)
{
	u32 g, n = 0;

	for (g = 0; g < RM_SEG_GROUPS; g++)
		n += count[(size_t)s * RM_SEG_GROUPS + g];
	return n;
}

void rm_map_lay_out(struct rm_map *map, u32 s, struct rm_seg *seg, u32 *count)
{
	u32 g, n = 0;

	count += (size_t)s * RM_SEG_GROUPS;
	for (g = 0; g < RM_SEG_GROUPS; g++) {
		u32 in_group = count[g];

		seg->start[g] = n;
		count[g] = n;	/* from now on where the next one goes */
		n += in_group;
	}
	seg->start[g] = n;
	seg->n = n;
	map->seg[s] = seg;
}

void rm_map_place(struct rm_map *map, u32 *count, u64 block, u32 slot)
{
	struct rm_seg *seg = map->seg[rm_map_seg_of(map, block)];
	struct rm_at *at = &seg->at[count[rm_map_group_of(map, block)]++];

	at->block = (u32)block;
	at->slot = slot;
	rm_map_set_region(map, block, true);
}

static int compare(const void *a, const void *b)
{
	u32 left = ((const struct rm_at *)a)->block, right = ((const struct rm_at *)b)->block;

	return left < right ? -1 : left > right;
}

static void sort_group(struct rm_at *at, u32 n)
{
	u32 i, k;

	for (i = 1; i < n && at[i - 1].block <= at[i].block; i++)
		;
	if (i >= n)
		return;
	if (n > INSERTION_MAX) {
		rm_sort(at, n, sizeof(*at), compare);
		return;
	}
	for (; i < n; i++) {
		struct rm_at moved = at[i];

		for (k = i; k > 0 && at[k - 1].block > moved.block; k--)
			at[k] = at[k - 1];
		at[k] = moved;
	}
}

void rm_map_finish(struct rm_map *map, u32 s,
		   u32 (*choose)(void *context, u32 a, u32 b), void *context)
{
	struct rm_seg *seg = map->seg[s];
	u32 g, i, n = 0;

	for (g = 0; g < RM_SEG_GROUPS; g++)
		sort_group(seg->at + seg->start[g], seg->start[g + 1] - seg->start[g]);
	for (i = 0; i < seg->n; i++) {
		if (n && seg->at[n - 1].block == seg->at[i].block)
			seg->at[n - 1].slot = choose(context, seg->at[n - 1].slot, seg->at[i].slot);
		else
			seg->at[n++] = seg->at[i];
	}
	if (n < seg->n) {
		seg->n = n;
		rm_seg_index(map, seg);
	}
	map->n += n;
}
