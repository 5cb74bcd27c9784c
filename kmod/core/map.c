// SPDX-License-Identifier: GPL-2.0-only
/*
 * Building and searching the lookup map.
 */
#include "map.h"

#define REGIONS_MIN	1024
#define REGIONS_MAX	1048576		/* 128 KiB of bitmap: stays in L2 */

static unsigned int region_shift_for(u64 capacity, u64 blocks)
{
	u64 regions = REGIONS_MIN;
	unsigned int shift = 0;

	while (regions < REGIONS_MAX && regions < capacity * 64)
		regions *= 2;
	while ((blocks >> shift) >= regions)
		shift++;
	return shift;
}

static u64 region_words_for(u64 blocks, unsigned int shift)
{
	return (((blocks >> shift) + 1) + 63) / 64;
}

size_t rm_map_bytes(u64 capacity, u64 blocks)
{
	unsigned int shift = region_shift_for(capacity, blocks);

	return sizeof(struct rm_map) + capacity * sizeof(struct rm_extent) +
	       region_words_for(blocks, shift) * sizeof(u64);
}

struct rm_map *rm_map_init(void *mem, u64 capacity, u64 blocks)
{
	struct rm_map *map = mem;

	map->n = 0;
	map->capacity = capacity;
	map->region_shift = region_shift_for(capacity, blocks);
	map->region_words = region_words_for(blocks, map->region_shift);
	map->regions = (u64 *)(map + 1);
	map->extent = (struct rm_extent *)(map->regions + map->region_words);
	return map;
}

int rm_map_add(struct rm_map *map, u64 block, u64 where)
{
	u64 r = block >> map->region_shift;
	struct rm_extent *last = map->n ? &map->extent[map->n - 1] : NULL;

	map->regions[r >> 6] |= 1ULL << (r & 63);
	if (last && last->block + last->count == block &&
	    (where == RM_SPECIAL ? last->where == RM_SPECIAL :
	     last->where != RM_SPECIAL && last->where + last->count == where)) {
		last->count++;
		return 0;
	}
	if (map->n == map->capacity)
		return -ENOSPC;
	map->extent[map->n].block = block;
	map->extent[map->n].where = where;
	map->extent[map->n].count = 1;
	map->n++;
	return 0;
}

const struct rm_extent *rm_map_find(const struct rm_map *map, u64 block)
{
	u64 low = 0, high = map->n;

	while (low < high) {
		u64 mid = low + (high - low) / 2;

		if (map->extent[mid].block + map->extent[mid].count > block)
			high = mid;
		else
			low = mid + 1;
	}
	return low < map->n ? &map->extent[low] : NULL;
}
