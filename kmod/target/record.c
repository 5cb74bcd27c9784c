// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records in the images of the metadata pages.
 */
#include "dm-remap.h"

struct rm_page_header rm_page_header(const struct rm_spare *s, u32 page)
{
	return (struct rm_page_header) {
		.uuid = s->super.spare_uuid,
		.number = page,
		.gen = page < s->n_pages && s->page ? s->page[page].gen : 0,
		.type = page < s->layout.slot_pages ? RM_PAGE_SLOTS : RM_PAGE_PENDING,
	};
}

static void dirty(struct remap *rm, struct rm_page *page)
{
	if (list_empty(&page->dirty))
		list_add_tail(&page->dirty, &rm->dirty);
}

/* @e: the block the slot holds, or NULL */
void rm_record_slot(struct remap *rm, u32 slot, const struct rm_entry *e, u8 state)
{
	struct rm_spare *s = rm_spare_of(rm, slot);
	u32 at = slot - s->slot_base;
	struct rm_page *page = &s->page[at / RM_SLOTS_PER_PAGE];
	struct rm_slot_record rec = {
		.seq = ++rm->seq,
		.wear = READ_ONCE(rm->slots.wear[slot]),
		.state = state,
	};

	if (e) {
		rec.block = e->block;
		rec.mask = e->mask;
		rec.time = e->time;
		rec.errors = e->errors;
		rec.reason = e->reason;
	}
	rm_slot_set(page->image, at % RM_SLOTS_PER_PAGE, &rec);
	dirty(rm, page);
}

/*
 * Pending blocks are recorded on the first spare.  When its pages are full the
 * block is pending in memory only: after a restart main answers for itself.
 */
void rm_record_pending(struct remap *rm, struct rm_entry *e, bool used)
{
	struct rm_spare *s = &rm->spare[0];
	u32 places = s->layout.pending_pages * RM_PENDING_PER_PAGE;
	struct rm_pending_record rec = { .used = used };
	struct rm_page *page;

	if (used && e->pending == RM_NO_SLOT) {
		u32 place = find_first_zero_bit(rm->pending_map, places);

		if (place >= places) {
			DMWARN_LIMIT("%s: no room to record pending block %llu",
				     dm_table_device_name(rm->ti->table), e->block);
			return;
		}
		e->pending = place;
		set_bit(place, rm->pending_map);
	}
	if (used) {
		rec.block = e->block;
		rec.time = e->time;
		rec.errors = e->errors;
		rec.reason = e->reason;
	}
	page = &s->page[s->layout.slot_pages + e->pending / RM_PENDING_PER_PAGE];
	rm_pending_set(page->image, e->pending % RM_PENDING_PER_PAGE, &rec);
	dirty(rm, page);
	if (!used) {
		clear_bit(e->pending, rm->pending_map);
		e->pending = RM_NO_SLOT;
	}
}
