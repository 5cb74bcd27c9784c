/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lookup map: where the blocks that are not clean are.
 *
 * A bitmap of regions says in one look that a block is clean.  Behind it
 * blocks stand in sorted segments, each for a fixed range of the device, with
 * an index of the groups in it.  Segments do not change: whoever changes the
 * map puts a new one in the place of an old one, and frees the old one when
 * no reader can have it any more.  There is one writer; readers take no lock.
 */
#ifndef REMAP_MAP_H
#define REMAP_MAP_H

#include "cache.h"
#include "compat.h"

#ifdef __cplusplus
extern "C" {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"	/* arrays of no fixed length */
#endif

#define RM_SEG_GROUPS	1024

/* Instead of a slot: not to be served by looking at the map alone. */
#define RM_SPECIAL	(~(u32)0)
/* In a change: the block is clean from now on. */
#define RM_REMOVE	(~(u32)0 - 1)

struct rm_at {
	u32 block;	/* its low 32 bits; a segment spans no more than those tell apart */
	u32 slot;
};

struct rm_seg {
	struct rm_seg *next;		/* for the owner of old ones */
	size_t bytes;			/* for the owner: of all of it */
	u32 n;
	u32 start[RM_SEG_GROUPS + 1];	/* of each group in at[] */
	struct rm_at at[];
};

struct rm_map {
	unsigned int region_shift;	/* all shifts are of block numbers */
	unsigned int group_shift;
	unsigned int seg_shift;
	u32 n_segs;
	u64 n;				/* blocks in the map */
	unsigned long version;		/* counts changes, from 1 on */
	u64 *region;
	struct rm_seg *seg[];		/* NULL: empty */
};

struct rm_change {
	u64 block;
	u32 slot;
};

/* Blocks that follow each other, all special or on slots that do so too. */
struct rm_extent {
	u64 block;
	u64 count;
	u32 slot;
};

/* How much memory a map without segments takes. */
size_t rm_map_bytes(u64 slots, u64 blocks);
/* Makes an empty map in zeroed memory of that size. */
struct rm_map *rm_map_init(void *mem, u64 slots, u64 blocks);

/* The first run in [@first, @last], up to @max blocks of it; false when there is none. */
bool rm_map_find(const struct rm_map *map, u64 first, u64 last, u64 max,
		 struct rm_extent *run);

/*
 * Changing: all changes of a call are in the same segment, sorted, and one for
 * a block.  The new segment has rm_map_merged() blocks; 0 means that it is NULL.
 */
u32 rm_map_merged(const struct rm_map *map, const struct rm_change *c, u32 n);
void rm_map_merge(const struct rm_map *map, struct rm_seg *seg, const struct rm_change *c, u32 n);
/* Puts it in place and returns the old one. */
struct rm_seg *rm_map_replace(struct rm_map *map, struct rm_seg *seg,
			      const struct rm_change *c, u32 n);

/*
 * Filling an empty map at once, in any order: count the blocks of each group,
 * lay out the segments, place the blocks, finish the segments.  @count is
 * zeroed, one for each group of the map.
 */
static inline u64 rm_map_groups(const struct rm_map *map)
{
	return (u64)map->n_segs * RM_SEG_GROUPS;
}

static inline u64 rm_map_group_of(const struct rm_map *map, u64 block)
{
	return block >> map->group_shift;
}

/* How many blocks the groups of segment @s have. */
u32 rm_map_counted(const u32 *count, u32 s);
/* An empty segment for that many takes its place. */
void rm_map_lay_out(struct rm_map *map, u32 s, struct rm_seg *seg, u32 *count);
void rm_map_place(struct rm_map *map, u32 *count, u64 block, u32 slot);
/* @choose says which of two slots of the same block counts. */
void rm_map_finish(struct rm_map *map, u32 s,
		   u32 (*choose)(void *context, u32 a, u32 b), void *context);

static inline size_t rm_seg_bytes(u32 n)
{
	return sizeof(struct rm_seg) + (size_t)n * sizeof(struct rm_at);
}

static inline u32 rm_map_seg_of(const struct rm_map *map, u64 block)
{
	return (u32)(block >> map->seg_shift);
}

/* False only if no block in [first, last] is in the map. */
static inline bool rm_map_may_hold(const struct rm_map *map, u64 first, u64 last)
{
	u64 a = first >> map->region_shift, b = last >> map->region_shift;
	u64 low = ~0ULL << (a & 63), high = ~0ULL >> (63 - (b & 63));
	u64 i = a >> 6, end = b >> 6;

	if (i == end)
		return rm_read_once(map->region[i]) & low & high;
	if (end - i > 4)
		return true;
	if (rm_read_once(map->region[i]) & low)
		return true;
	while (++i < end)
		if (rm_read_once(map->region[i]))
			return true;
	return rm_read_once(map->region[i]) & high;
}

/* What was looked up after this is good for as long as it stays the same. */
static inline unsigned long rm_map_version(const struct rm_map *map)
{
	return rm_load_acquire(map->version);
}

/* rm_map_find() for all of a range; @map may be NULL for none. */
static inline bool rm_map_lookup(const struct rm_map *map, u64 first, u64 last,
				 struct rm_extent *run)
{
	return map && rm_map_may_hold(map, first, last) &&
	       rm_map_find(map, first, last, last - first + 1, run);
}

/*
 * rm_map_find() of one block, with a cache in front, which nobody else uses
 * meanwhile; @cached: it knew.
 */
static inline bool rm_map_find_cached(const struct rm_map *map, struct rm_cache_set *sets,
				      unsigned int bits, u64 block, struct rm_extent *run,
				      bool *cached)
{
	unsigned long version = rm_map_version(map);
	struct rm_cache_set *set = rm_cache_set_of(sets, bits, block);

	run->block = block;
	run->count = 1;
	*cached = rm_cache_find(set, version, block, &run->slot);
	if (*cached)
		return true;
	if (!rm_map_find(map, block, block, 1, run))
		return false;
	if (run->slot != RM_SPECIAL)
		rm_cache_add(set, version, block, run->slot);
	return true;
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif /* REMAP_MAP_H */
