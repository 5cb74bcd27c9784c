// SPDX-License-Identifier: GPL-2.0-only
/*
 * The caches in front of the lookup map.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dm-remap.h"

void rm_cache_free(struct rm_cache *cache)
{
	int cpu;

	if (!cache)
		return;
	for_each_possible_cpu(cpu)
		kvfree(cache->set[cpu]);
	kfree(cache);
}

static struct rm_cache *new_cache(unsigned int bits)
{
	struct rm_cache *cache = kzalloc(struct_size(cache, set, nr_cpu_ids),
					 GFP_KERNEL | __GFP_NOWARN);
	int cpu;

	if (!cache)
		return NULL;
	cache->bits = bits;
	for_each_possible_cpu(cpu) {
		cache->set[cpu] = kvcalloc(1UL << bits, sizeof(*cache->set[cpu]),
					   GFP_KERNEL | __GFP_NOWARN);
		if (!cache->set[cpu]) {
			rm_cache_free(cache);
			return NULL;
		}
	}
	return cache;
}

/*
 * New ones where the map has outgrown those that are there, or there are none.
 * They are a help only: without memory for them things stay as they are.
 */
void rm_cache_fit(struct remap *rm)
{
	unsigned int bits = rm_cache_bits(rm->map->n), noio;
	struct rm_cache *cache;

	if (!rm->map->n || (rm->cache && rm->cache->bits >= bits))
		return;
	noio = memalloc_noio_save();
	cache = new_cache(bits);
	memalloc_noio_restore(noio);
	if (!cache)
		return;
	rm->old_cache = rm->cache;
	rm->cache = cache;
}
