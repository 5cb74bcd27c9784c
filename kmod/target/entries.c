// SPDX-License-Identifier: GPL-2.0-only
/*
 * From records to entries.
 */
#include <linux/slab.h>

#include "dm-remap.h"

static u64 seq_of(struct remap *rm, u32 slot)
{
	struct rm_spare *s = rm_spare_of(rm, slot);
	u32 at = slot - s->slot_base;
	struct rm_slot_record rec;

	rm_slot_get(s->page[at / RM_SLOTS_PER_PAGE].image, at % RM_SLOTS_PER_PAGE, &rec);
	return rec.seq;
}

/* A block left this slot for another because the slot was bad. */
static void left_behind(struct remap *rm, u32 slot)
{
	rm_slots_set(&rm->slots, slot, RM_SLOT_BAD);
	rm_record_slot(rm, slot, NULL, RM_SLOT_BAD);
}

static int add_slot(struct remap *rm, u32 slot, const struct rm_slot_record *rec)
{
	struct rm_entry *e, new = {
		.block = rec->block,
		.mask = rec->mask,
		.slot = slot,
		.pending = RM_NO_SLOT,
		.time = rec->time,
		.errors = rec->errors,
		.reason = rec->reason,
		.state = rec->state == RM_SLOT_LOST ? REMAP_BLOCK_LOST : REMAP_BLOCK_REMAPPED,
	};

	rm->slots.wear[slot] = rec->wear;
	rm->seq = max(rm->seq, rec->seq);
	if (rec->state == RM_SLOT_FREE)
		return 0;
	rm_slots_set(&rm->slots, slot, rec->state);
	if (rec->state == RM_SLOT_BAD)
		return 0;
	if (rec->block >= rm->blocks || rec->state > RM_SLOT_LOST) {
		DMERR("%s: slot %u holds block %llu, which does not exist",
		      dm_table_device_name(rm->ti->table), slot, rec->block);
		return -EUCLEAN;
	}
	e = rm_entry(rm, rec->block);
	if (!e)
		return rm_entry_add(rm, &new) ? 0 : -ENOMEM;
	if (seq_of(rm, e->slot) > rec->seq) {
		left_behind(rm, slot);
		return 0;
	}
	left_behind(rm, e->slot);
	rm_entry_drop(rm, e);
	return rm_entry_add(rm, &new) ? 0 : -ENOMEM;
}

static int add_pending(struct remap *rm, u32 place, const struct rm_pending_record *rec)
{
	struct rm_entry *e, new = {
		.block = rec->block,
		.slot = RM_NO_SLOT,
		.pending = place,
		.time = rec->time,
		.errors = rec->errors,
		.reason = rec->reason,
		.state = REMAP_BLOCK_PENDING,
	};

	if (!rec->used)
		return 0;
	set_bit(place, rm->pending_map);
	e = rm_entry(rm, rec->block);
	if (rec->block >= rm->blocks || e) {
		rm_record_pending(rm, &new, false);
		return 0;
	}
	return rm_entry_add(rm, &new) ? 0 : -ENOMEM;
}

int rm_entries_build(struct remap *rm)
{
	struct rm_spare *first = &rm->spare[0];
	unsigned int i;
	u32 at;
	int r = 0;

	for (i = 0; i < rm->n_spares && !r; i++) {
		struct rm_spare *s = &rm->spare[i];

		for (at = 0; at < s->layout.slots && !r; at++) {
			struct rm_slot_record rec;

			rm_slot_get(s->page[at / RM_SLOTS_PER_PAGE].image,
				    at % RM_SLOTS_PER_PAGE, &rec);
			r = add_slot(rm, s->slot_base + at, &rec);
		}
	}
	for (at = 0; at < first->layout.pending_pages * RM_PENDING_PER_PAGE && !r; at++) {
		u32 page = first->layout.slot_pages + at / RM_PENDING_PER_PAGE;
		struct rm_pending_record rec;

		rm_pending_get(first->page[page].image, at % RM_PENDING_PER_PAGE, &rec);
		r = add_pending(rm, at, &rec);
	}
	return r;
}
