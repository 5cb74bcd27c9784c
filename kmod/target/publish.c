// SPDX-License-Identifier: GPL-2.0-only
/*
 * The view that map() looks at.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dm-remap.h"

/* What the map says about a block. */
static u32 slot_for_map(const struct remap *rm, const struct rm_entry *e)
{
	if (e->state == REMAP_BLOCK_CLEAN && !e->flags)
		return RM_REMOVE;
	if (e->state != REMAP_BLOCK_REMAPPED || e->flags ||
	    e->mask != rm_full_mask(rm, e->block))
		return RM_SPECIAL;
	return e->slot;
}

/* The next changes that concern one segment. */
static unsigned int collect(struct remap *rm, struct rm_change *c)
{
	unsigned int n = 0;
	struct rm_entry *e;
	unsigned long block;

	xa_for_each_marked(&rm->special, block, e, RM_CHANGED) {
		if (n == RM_CHANGES_MAX ||
		    (n && rm_map_seg_of(rm->map, block) != rm_map_seg_of(rm->map, c->block)))
			break;
		c[n].block = block;
		c[n++].slot = slot_for_map(rm, e);
	}
	return n;
}

/* In pages: what kmalloc() rounds up to would double some of them. */
struct rm_seg *rm_seg_new(u32 n)
{
	size_t bytes = rm_seg_bytes(n);
	struct rm_seg *seg = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);

	if (!seg)
		seg = __vmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
	if (seg)
		seg->bytes = bytes;
	return seg;
}

static void free_seg(struct rm_seg *seg)
{
	if (is_vmalloc_addr(seg))
		vfree(seg);
	else if (seg)
		free_pages_exact(seg, seg->bytes);
}

static bool apply(struct remap *rm, const struct rm_change *c, unsigned int n)
{
	u32 blocks = rm_map_merged(rm->map, c, n);
	struct rm_seg *seg = NULL, *old;
	unsigned int noio;

	if (blocks) {
		noio = memalloc_noio_save();
		seg = rm_seg_new(blocks);
		memalloc_noio_restore(noio);
		if (!seg)
			return false;
		rm_map_merge(rm->map, seg, c, n);
	}
	old = rm_map_replace(rm->map, seg, c, n);
	if (old) {
		old->next = rm->old_segs;
		rm->old_segs = old;
	}
	return true;
}

/* Entries the map says all about are not needed any more. */
static void settle(struct remap *rm, const struct rm_change *c, unsigned int n)
{
	for (; n--; c++) {
		if (c->slot == RM_SPECIAL)
			xa_clear_mark(&rm->special, c->block, RM_CHANGED);
		else
			kfree(xa_erase(&rm->special, c->block));
	}
}

/* False when there was no memory; the rest of the changes waits then. */
static bool update_map(struct remap *rm)
{
	unsigned int n;

	while ((n = collect(rm, rm->change))) {
		if (!apply(rm, rm->change, n))
			return false;
		settle(rm, rm->change, n);
	}
	return true;
}

static void free_old(struct remap *rm)
{
	struct rm_seg *seg;

	rm->old_view = NULL;
	rm_cache_free(rm->old_cache);
	rm->old_cache = NULL;
	while ((seg = rm->old_segs)) {
		rm->old_segs = seg->next;
		free_seg(seg);
	}
}

/* Room that nobody looks at: the view before the last one is not used any more. */
static struct rm_view *next_view(struct remap *rm)
{
	struct rm_view *now = rcu_dereference_protected(rm->view, lockdep_is_held(&rm->lock));

	return rm->views[now == rm->views[0]];
}

/**
 * rm_publish() - let map() see the state as it is now.
 * @rm: the target
 * @busy: ranges of blocks whose I/O has to wait for the worker
 * @n: how many, at most RM_BATCH_BIOS
 * @drain: wait for the end of all I/O that did not see these ranges
 *
 * The map changes segment by segment before the view does: the blocks in
 * question are busy in the view before, or it does not matter which of the
 * two states an I/O sees.
 */
void rm_publish(struct remap *rm, const struct rm_range *busy, unsigned int n,
		bool drain)
{
	struct rm_view *view = NULL;
	bool no_memory = false;

	if (rm->old_view || rm->old_segs || rm->old_cache) {
		synchronize_srcu_expedited(&rm->srcu);
		free_old(rm);
	}
	if (rm->map_stale)
		no_memory = !update_map(rm);
	rm_cache_fit(rm);
	if (rm->map->n || n || no_memory || rm->read_only || rm_mode_is(rm, REMAP_MODE_FAIL)) {
		view = next_view(rm);
		view->map = rm->map;
		view->cache = rm->cache;
		view->all_busy = no_memory;
		view->fail = rm_mode_is(rm, REMAP_MODE_FAIL);
		view->read_only = rm->read_only;
		view->n_busy = n;
		if (n)
			memcpy(view->busy, busy, n * sizeof(*busy));
	}
	rm->old_view = rcu_dereference_protected(rm->view, lockdep_is_held(&rm->lock));
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
	u32 s;

	free_old(rm);
	RCU_INIT_POINTER(rm->view, NULL);
	for (s = 0; rm->map && s < rm->map->n_segs; s++)
		free_seg(rm->map->seg[s]);
	kvfree(rm->map);
	rm->map = NULL;
	rm_cache_free(rm->cache);
	rm->cache = NULL;
}
