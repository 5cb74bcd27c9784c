// SPDX-License-Identifier: GPL-2.0-only
/*
 * From records to the map and to entries.
 */
#include <linux/slab.h>

#include "dm-remap.h"

struct build {
	struct remap *rm;
	struct rm_loaded *in;
	u32 *count;	/* blocks in each group of the map */
};

static bool holds_block(const struct remap *rm, u32 slot)
{
	u8 state = rm_slots_state(&rm->slots, slot);

	return state == RM_SLOT_USED || state == RM_SLOT_LOST;
}

static int count_blocks(struct build *b)
{
	struct remap *rm = b->rm;
	u32 slot;

	for (slot = 0; slot < rm->slots.n; slot++) {
		u64 block = rm_slots_block(&rm->slots, slot);
		u8 state = rm_slots_state(&rm->slots, slot);

		if (state == RM_SLOT_FREE || state == RM_SLOT_BAD)
			continue;
		if (state > RM_SLOT_LOST || block >= rm->blocks) {
			DMERR("%s: slot %u holds block %llu, which does not exist",
			      dm_table_device_name(rm->ti->table), slot, block);
			return -EUCLEAN;
		}
		b->count[rm_map_group_of(rm->map, block)]++;
		if (!(slot & 0xffff))
			cond_resched();
	}
	return 0;
}

/* Two slots say that they hold a block: it left the older one, which was bad. */
static u32 choose(void *context, u32 a, u32 b)
{
	struct build *build = context;
	u32 older = build->in->seq[a] > build->in->seq[b] ? b : a;

	rm_record_slot(build->rm, older, NULL, RM_SLOT_BAD);
	return older == a ? b : a;
}

static int fill_map(struct build *b)
{
	struct remap *rm = b->rm;
	u32 s, slot;

	for (s = 0; s < rm->map->n_segs; s++) {
		u32 n = rm_map_counted(b->count, s);
		struct rm_seg *seg;

		if (!n)
			continue;
		seg = rm_seg_new(n);
		if (!seg)
			return -ENOMEM;
		rm_map_lay_out(rm->map, s, seg, b->count);
	}
	for (slot = 0; slot < rm->slots.n; slot++) {
		if (holds_block(rm, slot))
			rm_map_place(rm->map, b->count, rm_slots_block(&rm->slots, slot), slot);
		if (!(slot & 0xffff))
			cond_resched();
	}
	for (s = 0; s < rm->map->n_segs; s++) {
		if (rm->map->seg[s])
			rm_map_finish(rm->map, s, choose, b);
		cond_resched();
	}
	return 0;
}

/* What is more than remapped gets an entry of its own. */
static void add_specials(struct build *b)
{
	struct remap *rm = b->rm;
	struct rm_entry e;
	unsigned long at;
	u64 *mask;
	u32 slot;

	xa_for_each(&b->in->masks, at, mask) {
		if (!holds_block(rm, at) || !rm_entry(rm, rm_slots_block(&rm->slots, at), &e))
			continue;
		e.mask = *mask;
		rm_entry_put(rm, &e);
	}
	for (slot = 0; slot < rm->slots.n; slot++) {
		if (rm_slots_state(&rm->slots, slot) != RM_SLOT_LOST ||
		    !rm_entry(rm, rm_slots_block(&rm->slots, slot), &e))
			continue;
		e.state = REMAP_BLOCK_LOST;
		rm_entry_put(rm, &e);
	}
}

static void add_pending(struct remap *rm, u32 place, const struct rm_pending_record *rec)
{
	struct rm_entry e;
	bool known = rm_entry(rm, rec->block, &e);

	set_bit(place, rm->pending_map);
	rm->pending_block[place] = rec->block;
	e.pending = place;
	if (rec->block >= rm->blocks || known) {
		rm_record_pending(rm, &e, false);
		return;
	}
	e.state = REMAP_BLOCK_PENDING;
	e.time = rec->time;
	e.errors = rec->errors;
	e.reason = rec->reason;
	rm_entry_put(rm, &e);
}

int rm_entries_build(struct remap *rm, struct rm_loaded *in)
{
	struct build b = { .rm = rm, .in = in };
	u32 place;
	int r;

	b.count = kvcalloc(rm_map_groups(rm->map), sizeof(*b.count), GFP_KERNEL);
	if (!b.count)
		return -ENOMEM;
	r = count_blocks(&b);
	if (!r)
		r = fill_map(&b);
	kvfree(b.count);
	if (r)
		return r;
	rm->n_remapped = rm->map->n;
	add_specials(&b);
	for (place = 0; place < rm->n_places; place++)
		if (in->pending[place].used)
			add_pending(rm, place, &in->pending[place]);
	return 0;
}
