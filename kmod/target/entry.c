// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each block is: by the lookup map and its slot if it is just remapped,
 * by an entry of its own if it is more than that or has just changed.
 */
#include <linux/slab.h>

#include "dm-remap.h"

/* An entry may also say that a block is clean while the map does not yet. */
static bool is_something(const struct rm_entry *e)
{
	return e->state != REMAP_BLOCK_CLEAN || e->flags;
}

struct rm_entry rm_entry_clean(u64 block)
{
	return (struct rm_entry) {
		.block = block,
		.slot = RM_NO_SLOT,
		.pending = RM_NO_SLOT,
		.state = REMAP_BLOCK_CLEAN,
	};
}

static void from_slot(const struct remap *rm, u64 block, u32 slot, struct rm_entry *e)
{
	struct rm_slot_record rec;

	rm_slots_get(&rm->slots, slot, &rec);
	*e = (struct rm_entry) {
		.block = block,
		.mask = rm_full_mask(rm, block),
		.slot = slot,
		.pending = RM_NO_SLOT,
		.time = rec.time,
		.errors = rec.errors,
		.reason = rec.reason,
		.state = REMAP_BLOCK_REMAPPED,
	};
}

/* False if the block is clean; then @e is that of a clean block. */
bool rm_entry(struct remap *rm, u64 block, struct rm_entry *e)
{
	const struct rm_entry *special = xa_load(&rm->special, block);
	struct rm_extent run;

	if (special) {
		*e = *special;
		return is_something(e);
	}
	/* there is no map when loading has failed */
	if (rm->map && rm_map_may_hold(rm->map, block, block) &&
	    rm_map_find(rm->map, block, block, 1, &run)) {
		from_slot(rm, block, run.slot, e);
		return true;
	}
	*e = rm_entry_clean(block);
	return false;
}

/* The first block at or behind @block that is not clean; false if none is. */
bool rm_entry_from(struct remap *rm, u64 block, struct rm_entry *e)
{
	while (rm->map && block < rm->blocks) {
		unsigned long index = block;
		const struct rm_entry *special;
		struct rm_extent run;
		u64 last;

		special = xa_find(&rm->special, &index, ULONG_MAX, XA_PRESENT);
		last = special ? special->block : rm->blocks - 1;
		if (rm_map_find(rm->map, block, last, 1, &run) &&
		    (!special || run.block < special->block)) {
			from_slot(rm, run.block, run.slot, e);
			return true;
		}
		if (!special)
			return false;
		*e = *special;
		if (is_something(e))
			return true;
		block = special->block + 1;
	}
	return false;
}

static void count_state(struct remap *rm, u8 state, int by)
{
	u64 *count;

	switch (state) {
	case REMAP_BLOCK_REMAPPED:
		count = &rm->n_remapped;
		break;
	case REMAP_BLOCK_PENDING:
		count = &rm->n_pending;
		break;
	case REMAP_BLOCK_LOST:
		count = &rm->n_lost;
		break;
	default:
		return;
	}
	WRITE_ONCE(*count, *count + by);
}

/* What @e->block is from now on; map() sees it when it is published. */
void rm_entry_put(struct remap *rm, const struct rm_entry *e)
{
	struct rm_entry *special = xa_load(&rm->special, e->block);
	struct rm_entry before;

	rm_entry(rm, e->block, &before);
	count_state(rm, before.state, -1);
	count_state(rm, e->state, 1);
	if (!special) {
		/* small, and few at a time: the burst limit and the batch see to that */
		special = kmalloc(sizeof(*special), GFP_NOIO | __GFP_NOFAIL);
		xa_store(&rm->special, e->block, special, GFP_NOIO | __GFP_NOFAIL);
	}
	*special = *e;
	xa_set_mark(&rm->special, e->block, RM_CHANGED);
	rm->map_stale = true;
}

void rm_entries_free(struct remap *rm)
{
	struct rm_entry *e;
	unsigned long block;

	xa_for_each(&rm->special, block, e)
		kfree(e);
	xa_destroy(&rm->special);
	rm->n_remapped = 0;
	rm->n_pending = 0;
	rm->n_lost = 0;
	rm->n_undo = 0;
	rm->n_release = 0;
	rm->n_dirty = 0;
	rm->map_stale = false;
}
