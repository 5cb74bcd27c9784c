// SPDX-License-Identifier: GPL-2.0-only
/*
 * The view that map() looks at.
 */
#include <linux/sched/mm.h>

#include "dm-remap.h"

static u64 where_of(struct remap *rm, const struct rm_entry *e)
{
	struct rm_spare *s;

	if (e->state != REMAP_BLOCK_REMAPPED || e->flags ||
	    e->mask != rm_full_mask(rm, e->block))
		return RM_SPECIAL;
	s = rm_spare_of(rm, e->slot);
	return RM_WHERE(s->index, (u64)(e->slot - s->slot_base));
}

static struct rm_map *build_map(struct remap *rm)
{
	struct rm_entry *e;
	struct rm_map *map;
	unsigned long block;
	unsigned int noio;
	void *mem;

	noio = memalloc_noio_save();
	mem = kvzalloc(rm_map_bytes(rm->n_entries, rm->blocks), GFP_KERNEL | __GFP_NOWARN);
	memalloc_noio_restore(noio);
	if (!mem)
		return NULL;
	map = rm_map_init(mem, rm->n_entries, rm->blocks);
	xa_for_each(&rm->blocks_xa, block, e)
		rm_map_add(map, block, where_of(rm, e));
	return map;
}

static void free_old(struct remap *rm)
{
	kfree(rm->old_view);
	kvfree(rm->old_map);
	rm->old_view = NULL;
	rm->old_map = NULL;
}

/**
 * rm_publish() - let map() see the state as it is now.
 * @rm: the target
 * @busy: ranges of blocks whose I/O has to wait for the worker
 * @n: how many
 * @drain: wait for the end of all I/O that did not see these ranges
 */
void rm_publish(struct remap *rm, const struct rm_range *busy, unsigned int n,
		bool drain)
{
	struct rm_view *view = NULL;
	struct rm_map *map = rm->map;
	bool no_memory = false;

	if (rm->old_view || rm->old_map) {
		synchronize_srcu_expedited(&rm->srcu);
		free_old(rm);
	}
	if (rm->map_stale) {
		map = NULL;
		if (rm->n_entries) {
			map = build_map(rm);
			no_memory = !map;
		}
	}
	if (map || n || no_memory || rm->read_only || rm_mode_is(rm, REMAP_MODE_FAIL)) {
		/* at most RM_BATCH_BIOS ranges: small enough not to fail */
		view = kzalloc(struct_size(view, busy, n), GFP_NOIO | __GFP_NOFAIL);
		view->map = map;
		view->all_busy = no_memory;
		view->fail = rm_mode_is(rm, REMAP_MODE_FAIL);
		view->read_only = rm->read_only;
		view->n_busy = n;
		if (n)
			memcpy(view->busy, busy, n * sizeof(*busy));
	}
	rm->old_view = rcu_dereference_protected(rm->view, lockdep_is_held(&rm->lock));
	if (map != rm->map) {
		rm->old_map = rm->map;
		rm->map = map;
	}
	rm->map_stale = no_memory;
	rcu_assign_pointer(rm->view, view);
	if (drain) {
		synchronize_srcu_expedited(&rm->srcu);
		free_old(rm);
	}
}

/* Only when no I/O can come any more. */
void rm_publish_free(struct remap *rm)
{
	free_old(rm);
	kfree(rcu_dereference_protected(rm->view, true));
	RCU_INIT_POINTER(rm->view, NULL);
	kvfree(rm->map);
	rm->map = NULL;
	rm->map_stale = true;
}
