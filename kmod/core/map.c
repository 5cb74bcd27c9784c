// SPDX-License-Identifier: GPL-2.0-only
/*
 * Searching and changing the lookup map.
 */
#include "map_private.h"

#define REGIONS_MIN		1024
#define REGIONS_SMALL_MAX	1048576	/* 128 KiB of bitmap, 64 regions a slot */
#define REGIONS_MAX		4194304
#define SEG_BLOCKS		8192	/* in a segment when all slots are in use */
#define SEG_SHIFT_MAX		32

static u64 power_from(u64 v)
{
	u64 p = 1;

	while (p < v)
		p *= 2;
	return p;
}

static u64 regions_for(u64 slots)
{
	u64 n = min_t(u64, slots * 64, REGIONS_SMALL_MAX);

	if (n < slots * 4)
		n = slots * 4;
	if (n < REGIONS_MIN)
		n = REGIONS_MIN;
	return n < REGIONS_MAX ? power_from(n) : REGIONS_MAX;
}

/* So that 2^shift times @n covers all blocks. */
static unsigned int shift_for(u64 blocks, u64 n)
{
	unsigned int shift = 0;

	while (((blocks - 1) >> shift) >= n)
		shift++;
	return shift;
}

static void shape(struct rm_map *map, u64 slots, u64 blocks)
{
	map->region_shift = shift_for(blocks, regions_for(slots));
	map->seg_shift = shift_for(blocks, power_from((slots + SEG_BLOCKS - 1) / SEG_BLOCKS));
	if (map->seg_shift < 10)
		map->seg_shift = 10;	/* a group has a block at least */
	if (map->seg_shift > SEG_SHIFT_MAX)
		map->seg_shift = SEG_SHIFT_MAX;
	map->group_shift = map->seg_shift - 10;
	/* regions do not cross groups */
	if (map->region_shift > map->group_shift)
		map->region_shift = map->group_shift;
	map->n_segs = rm_map_seg_of(map, blocks - 1) + 1;
}

static u64 region_words(const struct rm_map *map, u64 blocks)
{
	return ((blocks - 1) >> map->region_shift) / 64 + 1;
}

size_t rm_map_bytes(u64 slots, u64 blocks)
{
	struct rm_map map;

	shape(&map, slots, blocks);
	return sizeof(map) + map.n_segs * sizeof(map.seg[0]) +
	       region_words(&map, blocks) * sizeof(u64);
}

struct rm_map *rm_map_init(void *mem, u64 slots, u64 blocks)
{
	struct rm_map *map = mem;

	shape(map, slots, blocks);
	map->region = (u64 *)(map->seg + map->n_segs);
	map->version = 1;
	return map;
}

static u64 full_block(const struct rm_map *map, u64 s, u32 low)
{
	return s << map->seg_shift | (low & ((1ULL << map->seg_shift) - 1));
}

static u32 group_of(const struct rm_map *map, u32 low)
{
	return (low >> map->group_shift) & (RM_SEG_GROUPS - 1);
}

/* The first place at or behind a block, n if there is none in the segment. */
static u32 lower_bound(const struct rm_map *map, const struct rm_seg *seg, u32 low)
{
	u32 g = group_of(map, low);
	u32 i = seg->start[g], end = seg->start[g + 1];

	/* a group is a cache line or two: have both on the way */
	__builtin_prefetch(&seg->at[end]);
	/* blocks in between take a place at most each; in a run all of them do */
	if (i < end && seg->at[i].block < low && low - seg->at[i].block < end - i) {
		end = i + (low - seg->at[i].block);
		if (seg->at[end - 1].block < low)
			return end;
	}
	while (end - i > 8) {
		u32 mid = i + (end - i) / 2;

		if (seg->at[mid].block < low)
			i = mid + 1;
		else
			end = mid;
	}
	while (i < end && seg->at[i].block < low)
		i++;
	return i;
}

static u64 run_length(const struct rm_seg *seg, u32 i, u64 max)
{
	const struct rm_at *at = &seg->at[i];
	u32 step = at->slot != RM_SPECIAL, n = 1;

	if (max > seg->n - i)
		max = seg->n - i;
	while (n < max && at[n].block == at->block + n && at[n].slot == at->slot + step * n)
		n++;
	return n;
}

bool rm_map_find(const struct rm_map *map, u64 first, u64 last, u64 max,
		 struct rm_extent *run)
{
	u32 s = rm_map_seg_of(map, first), end = rm_map_seg_of(map, last), i;

	for (; s <= end; s++) {
		const struct rm_seg *seg = rm_load_pointer(map->seg[s]);
		u64 from = (u64)s << map->seg_shift;

		if (!seg)
			continue;
		if (from < first)
			from = first;
		i = lower_bound(map, seg, (u32)from);
		if (i == seg->n)
			continue;
		run->block = full_block(map, s, seg->at[i].block);
		if (run->block > last)
			return false;
		run->slot = seg->at[i].slot;
		if (max > last - run->block + 1)
			max = last - run->block + 1;
		run->count = run_length(seg, i, max);
		return true;
	}
	return false;
}

/* Merges into @to, which may be NULL to count only. */
static u32 merge(const struct rm_seg *old, const struct rm_change *c, u32 n, struct rm_at *to)
{
	u32 i = 0, k = 0, out = 0, have = old ? old->n : 0;

	while (i < have || k < n) {
		struct rm_at at;

		if (k == n || (i < have && old->at[i].block < (u32)c[k].block)) {
			at = old->at[i++];
		} else {
			if (i < have && old->at[i].block == (u32)c[k].block)
				i++;
			at.block = (u32)c[k].block;
			at.slot = c[k++].slot;
			if (at.slot == RM_REMOVE)
				continue;
		}
		if (to)
			to[out] = at;
		out++;
	}
	return out;
}

u32 rm_map_merged(const struct rm_map *map, const struct rm_change *c, u32 n)
{
	return merge(map->seg[rm_map_seg_of(map, c->block)], c, n, NULL);
}

void rm_seg_index(const struct rm_map *map, struct rm_seg *seg)
{
	u32 g, i = 0;

	for (g = 0; g < RM_SEG_GROUPS; g++) {
		seg->start[g] = i;
		while (i < seg->n && group_of(map, seg->at[i].block) == g)
			i++;
	}
	seg->start[g] = i;
}

void rm_map_merge(const struct rm_map *map, struct rm_seg *seg, const struct rm_change *c, u32 n)
{
	seg->n = merge(map->seg[rm_map_seg_of(map, c->block)], c, n, seg->at);
	rm_seg_index(map, seg);
}

void rm_map_set_region(struct rm_map *map, u64 block, bool on)
{
	u64 r = block >> map->region_shift, bit = 1ULL << (r & 63);
	u64 *word = &map->region[r >> 6];

	rm_write_once(*word, on ? *word | bit : *word & ~bit);
}

/*
 * A reader that finds a region's bit may find the old segment or the new one;
 * one that does not may only miss what is gone in both.
 */
struct rm_seg *rm_map_replace(struct rm_map *map, struct rm_seg *seg,
			      const struct rm_change *c, u32 n)
{
	u32 s = rm_map_seg_of(map, c->block), i;
	struct rm_seg *old = map->seg[s];
	struct rm_extent run;

	for (i = 0; i < n; i++)
		if (c[i].slot != RM_REMOVE)
			rm_map_set_region(map, c[i].block, true);
	rm_store_pointer(map->seg[s], seg);
	/* behind it: who sees the new version does not find the old segment */
	rm_store_release(map->version, map->version + 1);
	rm_write_once(map->n, map->n + (seg ? seg->n : 0) - (old ? old->n : 0));
	for (i = 0; i < n; i++) {
		u64 mask = (1ULL << map->region_shift) - 1;

		if (c[i].slot == RM_REMOVE &&
		    !rm_map_find(map, c[i].block & ~mask, c[i].block | mask, 1, &run))
			rm_map_set_region(map, c[i].block, false);
	}
	return old;
}
