/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lookup map: an immutable sorted array of extents of blocks that are not
 * clean, with a bitmap of regions that hold any in front.
 */
#ifndef REMAP_MAP_H
#define REMAP_MAP_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rm_extent {
	u64 block;
	u64 where;	/* RM_SPECIAL, or where the first block is on a spare */
	u64 count;
};

/* Not to be served by looking at the map alone. */
#define RM_SPECIAL	(~0ULL)

/* where: the spare's number and the slot's number on it; runs do not cross spares */
#define RM_WHERE(spare, slot)	((u64)(spare) << 48 | (slot))
#define RM_WHERE_SPARE(where)	((unsigned int)((where) >> 48))
#define RM_WHERE_SLOT(where)	((where) & 0xffffffffffffULL)

struct rm_map {
	u64 n;			/* extents */
	u64 capacity;
	unsigned int region_shift;
	u64 region_words;
	u64 *regions;
	struct rm_extent *extent;
};

/* How much memory a map for up to @capacity extents over @blocks takes. */
size_t rm_map_bytes(u64 capacity, u64 blocks);
/* Makes an empty map in zeroed memory of that size. */
struct rm_map *rm_map_init(void *mem, u64 capacity, u64 blocks);
/* Adds one block, behind all others; -ENOSPC when the map is full. */
int rm_map_add(struct rm_map *map, u64 block, u64 where);
/* The first extent that ends behind @block, or NULL. */
const struct rm_extent *rm_map_find(const struct rm_map *map, u64 block);

/* False only if no block in [first, last] is in the map. */
static inline bool rm_map_may_hold(const struct rm_map *map, u64 first, u64 last)
{
	u64 r = first >> map->region_shift;
	u64 end = last >> map->region_shift;

	if (end - r > 64)
		return true;
	for (; r <= end; r++)
		if (map->regions[r >> 6] >> (r & 63) & 1)
			return true;
	return false;
}

#ifdef __cplusplus
}
#endif

#endif /* REMAP_MAP_H */
