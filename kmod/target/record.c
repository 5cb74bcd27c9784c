// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: what changes them, and the metadata pages put together from them.
 */
#include "dm-remap.h"

struct rm_page_header rm_page_header(const struct rm_spare *s, u32 page, u64 gen)
{
	return (struct rm_page_header) {
		.uuid = s->super.spare_uuid,
		.number = page,
		.gen = gen,
		.type = page < s->layout.slot_pages ? RM_PAGE_SLOTS : RM_PAGE_PENDING,
	};
}

void rm_page_dirty(struct remap *rm, struct rm_spare *s, u32 page)
{
	if (!test_and_set_bit(page, s->dirty))
		rm->n_dirty++;
}

/* @e: the block the slot holds, or NULL */
void rm_record_slot(struct remap *rm, u32 slot, const struct rm_entry *e, u8 state)
{
	struct rm_spare *s = rm_spare_of(rm, slot);
	struct rm_slot_record rec = {};

	if (e) {
		rec.block = e->block;
		rec.time = e->time;
		rec.errors = e->errors;
		rec.reason = e->reason;
	}
	rm_slots_set(&rm->slots, slot, state);
	rm_slots_put(&rm->slots, slot, &rec);
	rm_page_dirty(rm, s, (slot - s->slot_base) / RM_SLOTS_PER_PAGE);
}

static void pending_dirty(struct remap *rm, u32 place)
{
	struct rm_spare *s = &rm->spare[rm->n_spares - 1];

	while (s->pending_base > place || !s->layout.pending_pages)
		s--;
	rm_page_dirty(rm, s, s->layout.slot_pages +
		      (place - s->pending_base) / RM_PENDING_PER_PAGE);
}

/* Whether one more pending block could be recorded. */
bool rm_pending_has_room(const struct remap *rm)
{
	return find_first_zero_bit(rm->pending_map, rm->n_places) < rm->n_places;
}

static bool take_place(struct remap *rm, struct rm_entry *e)
{
	u32 place = find_first_zero_bit(rm->pending_map, rm->n_places);

	if (place >= rm->n_places) {
		DMWARN_LIMIT("%s: no room to record pending block %llu",
			     dm_table_device_name(rm->ti->table), e->block);
		return false;
	}
	e->pending = place;
	set_bit(place, rm->pending_map);
	rm->pending_block[place] = e->block;
	return true;
}

/*
 * When all pages are full the block is pending in memory only: after a restart
 * main answers for itself.  What the record says is taken from the entry when
 * it is written.
 */
void rm_record_pending(struct remap *rm, struct rm_entry *e, bool used)
{
	if (used && e->pending == RM_NO_SLOT && !take_place(rm, e))
		return;
	pending_dirty(rm, e->pending);
	if (!used) {
		clear_bit(e->pending, rm->pending_map);
		e->pending = RM_NO_SLOT;
	}
}

/*
 * No pending block is recorded on the spare any more: those that were are
 * elsewhere, its free places are taken.  Its pages stay as they are until the
 * others are durable.
 */
int rm_pending_close(struct remap *rm, struct rm_spare *s)
{
	u32 place, end = s->pending_base + s->layout.pending_pages * RM_PENDING_PER_PAGE;
	struct rm_entry e;

	for (place = s->pending_base; place < end; place++) {
		if (!test_and_set_bit(place, rm->pending_map))
			rm->pending_block[place] = RM_NO_BLOCK;
	}
	for (place = s->pending_base; place < end; place++) {
		u64 block = rm->pending_block[place];

		if (block == RM_NO_BLOCK || !rm_entry(rm, block, &e) || e.pending != place)
			continue;
		if (!take_place(rm, &e))
			return -ENOSPC;
		pending_dirty(rm, e.pending);
		rm_entry_put(rm, &e);
	}
	return 0;
}

/* The same undone; what is elsewhere by now stays there. */
void rm_pending_open(struct remap *rm, struct rm_spare *s)
{
	u32 place, end = s->pending_base + s->layout.pending_pages * RM_PENDING_PER_PAGE;
	struct rm_entry e;

	for (place = s->pending_base; place < end; place++) {
		u64 block = rm->pending_block[place];

		if (block != RM_NO_BLOCK && rm_entry(rm, block, &e) && e.pending == place)
			continue;
		clear_bit(place, rm->pending_map);
		pending_dirty(rm, place);
	}
}

/*
 * The record of a slot that its block is leaving: as it was, but the block's
 * new slot counts if both are found.
 */
static void left_record(const struct remap *rm, u32 slot, struct rm_slot_record *rec)
{
	unsigned int i;

	for (i = 0; i < rm->n_release; i++) {
		if (rm->release[i].slot != slot)
			continue;
		rec->state = rm->release[i].state;
		rec->mask = rm->release[i].mask;
		rec->seq = 0;
	}
}

static void slot_record(struct remap *rm, u32 slot, struct rm_slot_record *rec)
{
	const struct rm_entry *e;

	rm_slots_get(&rm->slots, slot, rec);
	rec->seq = rm->gen;
	switch (rec->state) {
	case RM_SLOT_HELD:
	case RM_SLOT_CLOSED:
		rec->state = RM_SLOT_FREE;
		break;
	case RM_SLOT_LEFT:
		left_record(rm, slot, rec);
		break;
	case RM_SLOT_USED:
	case RM_SLOT_LOST:
		e = xa_load(&rm->special, rec->block);
		rec->mask = e && e->slot == slot ? e->mask : rm_full_mask(rm, rec->block);
		break;
	}
}

static void pending_record(struct remap *rm, u32 place, struct rm_pending_record *rec)
{
	const struct rm_entry *e;

	if (!test_bit(place, rm->pending_map))
		return;
	e = xa_load(&rm->special, rm->pending_block[place]);
	if (!e || e->pending != place)
		return;
	rec->used = true;
	rec->block = e->block;
	rec->time = e->time;
	rec->errors = e->errors;
	rec->reason = e->reason;
}

/* The image of a page as memory has it, sealed with the generation of now. */
void rm_page_compose(struct remap *rm, const struct rm_spare *s, u32 page,
		     void *image)
{
	struct rm_page_header h = rm_page_header(s, page, rm->gen);
	u32 i, first;

	memset(image, 0, RM_PAGE_BYTES);
	if (h.type == RM_PAGE_SLOTS) {
		first = page * RM_SLOTS_PER_PAGE;
		for (i = 0; i < RM_SLOTS_PER_PAGE && first + i < s->layout.slots; i++) {
			struct rm_slot_record rec;

			slot_record(rm, s->slot_base + first + i, &rec);
			rm_slot_set(image, i, &rec);
		}
	} else {
		first = s->pending_base + (page - s->layout.slot_pages) * RM_PENDING_PER_PAGE;
		for (i = 0; i < RM_PENDING_PER_PAGE; i++) {
			struct rm_pending_record rec = {};

			pending_record(rm, first + i, &rec);
			rm_pending_set(image, i, &rec);
		}
	}
	rm_page_seal(image, &h);
}

/* Slots that were written since their records were: what is written wears. */
void rm_record_wear(struct remap *rm)
{
	unsigned int i;
	u32 page;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		if (s->retired)
			continue;
		for_each_set_bit(page, s->worn, s->layout.slot_pages) {
			clear_bit(page, s->worn);
			rm_page_dirty(rm, s, page);
		}
	}
}
