// SPDX-License-Identifier: GPL-2.0-only
/*
 * The blocks that are not clean, and how they change.  Each change is entered
 * in the page's image too; commit.c makes it durable.
 */
#include "dm-remap.h"

struct rm_entry *rm_entry(struct remap *rm, u64 block)
{
	return xa_load(&rm->blocks_xa, block);
}

/* The first entry at or behind @block. */
struct rm_entry *rm_entry_from(struct remap *rm, u64 block)
{
	unsigned long index = block;

	return xa_find(&rm->blocks_xa, &index, ULONG_MAX, XA_PRESENT);
}

static u64 *count_of(struct remap *rm, u8 state)
{
	switch (state) {
	case REMAP_BLOCK_REMAPPED:
		return &rm->n_remapped;
	case REMAP_BLOCK_PENDING:
		return &rm->n_pending;
	case REMAP_BLOCK_LOST:
		return &rm->n_lost;
	default:
		return NULL;
	}
}

static void count_state(struct remap *rm, u8 state, int by)
{
	u64 *count = count_of(rm, state);

	if (count)
		WRITE_ONCE(*count, *count + by);
}

struct rm_entry *rm_entry_add(struct remap *rm, const struct rm_entry *e)
{
	struct rm_entry *new = kmemdup(e, sizeof(*e), GFP_NOIO);

	if (!new)
		return NULL;
	if (xa_err(xa_store(&rm->blocks_xa, e->block, new, GFP_NOIO))) {
		kfree(new);
		return NULL;
	}
	rm->n_entries++;
	count_state(rm, e->state, 1);
	rm->map_stale = true;
	return new;
}

void rm_entry_drop(struct remap *rm, struct rm_entry *e)
{
	xa_erase(&rm->blocks_xa, e->block);
	count_state(rm, e->state, -1);
	rm->n_entries--;
	rm->map_stale = true;
	kfree(e);
}

void rm_entry_state(struct remap *rm, struct rm_entry *e, enum remap_block_state state)
{
	count_state(rm, e->state, -1);
	e->state = state;
	count_state(rm, e->state, 1);
	rm->map_stale = true;
}

static void told(struct rm_entry *e, enum remap_reason reason)
{
	e->reason = reason;
	e->time = (u32)ktime_get_real_seconds();
	if (e->errors < U16_MAX)
		e->errors++;
}

/* The slot is free again once that is durable. */
static void let_go_of_slot(struct remap *rm, struct rm_entry *e)
{
	rm_record_slot(rm, e->slot, NULL, RM_SLOT_FREE);
	rm_slots_set(&rm->slots, e->slot, RM_SLOT_HELD);
	e->slot = RM_NO_SLOT;
}

/* A pending block was rewritten or cleared, or a remapped one is back on main. */
void rm_set_clean(struct remap *rm, struct rm_entry *e)
{
	if (e->slot != RM_NO_SLOT) {
		rm_remember(rm, e->block);
		let_go_of_slot(rm, e);
	}
	if (e->pending != RM_NO_SLOT)
		rm_record_pending(rm, e, false);
	rm_entry_drop(rm, e);
}

int rm_set_pending(struct remap *rm, u64 block, enum remap_reason reason)
{
	struct rm_entry *e = rm_entry(rm, block);
	struct rm_entry new = {
		.block = block,
		.slot = RM_NO_SLOT,
		.pending = RM_NO_SLOT,
		.state = REMAP_BLOCK_PENDING,
	};

	if (!e) {
		e = rm_entry_add(rm, &new);
		if (!e)
			return -ENOMEM;
		DMWARN_LIMIT("%s: block %llu is pending (%s)",
			     dm_table_device_name(rm->ti->table), block,
			     remap_reason_name(reason));
	} else if (e->state == REMAP_BLOCK_CLEAN) {
		rm_entry_state(rm, e, REMAP_BLOCK_PENDING);
	}
	told(e, reason);
	if (reason == REMAP_REASON_READ)
		rm_scrub_error(rm, block);
	rm_record_pending(rm, e, true);
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
	return 0;
}

/* @slot was taken for @block and written; its old slot, if any, is bad. */
int rm_set_remapped(struct remap *rm, u64 block, u32 slot, u64 mask,
		    enum remap_reason reason)
{
	struct rm_entry *e = rm_entry(rm, block);
	struct rm_entry new = {
		.block = block,
		.slot = RM_NO_SLOT,
		.pending = RM_NO_SLOT,
		.state = REMAP_BLOCK_CLEAN,
	};

	rm_remember(rm, block);
	if (!e) {
		e = rm_entry_add(rm, &new);
		if (!e) {
			rm->n_undo--;
			return -ENOMEM;
		}
	}
	if (e->slot != RM_NO_SLOT)
		rm_slot_release_bad(rm, e->slot);
	if (e->pending != RM_NO_SLOT)
		rm_record_pending(rm, e, false);
	rm_entry_state(rm, e, REMAP_BLOCK_REMAPPED);
	told(e, reason);
	if (reason == REMAP_REASON_WRITE)
		rm_scrub_error(rm, block);
	e->slot = slot;
	e->mask = mask;
	e->flags |= RM_ENTRY_DIRTY;
	rm_slots_set(&rm->slots, slot, RM_SLOT_USED);
	rm_record_slot(rm, slot, e, RM_SLOT_USED);
	return 0;
}

/* More sectors of a remapped block's slot were written. */
void rm_set_mask(struct remap *rm, struct rm_entry *e, u64 mask)
{
	rm_remember(rm, e->block);
	e->mask = mask;
	e->flags |= RM_ENTRY_DIRTY;
	rm->map_stale = true;
	rm_record_slot(rm, e->slot, e, RM_SLOT_USED);
}

void rm_set_lost(struct remap *rm, struct rm_entry *e)
{
	rm_entry_state(rm, e, REMAP_BLOCK_LOST);
	told(e, REMAP_REASON_SLOT);
	rm_slots_set(&rm->slots, e->slot, RM_SLOT_LOST);
	rm_record_slot(rm, e->slot, e, RM_SLOT_LOST);
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
	DMWARN_LIMIT("%s: block %llu is lost: slot %u cannot be read",
		     dm_table_device_name(rm->ti->table), e->block, e->slot);
}

/* A lost block's slot could be read after all. */
void rm_set_found(struct remap *rm, struct rm_entry *e)
{
	rm_entry_state(rm, e, REMAP_BLOCK_REMAPPED);
	rm_slots_set(&rm->slots, e->slot, RM_SLOT_USED);
	rm_record_slot(rm, e->slot, e, RM_SLOT_USED);
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
}

/* A slot that holds nothing could not be written. */
void rm_slot_is_bad(struct remap *rm, u32 slot)
{
	rm_slots_set(&rm->slots, slot, RM_SLOT_BAD);
	rm_record_slot(rm, slot, NULL, RM_SLOT_BAD);
	DMWARN_LIMIT("%s: slot %u is bad", dm_table_device_name(rm->ti->table), slot);
}

/*
 * A slot that a block is just leaving for another is bad.  Its record stays
 * until the new one is durable, so that the block is never without one.
 */
void rm_slot_release_bad(struct remap *rm, u32 slot)
{
	rm_slots_set(&rm->slots, slot, RM_SLOT_BAD);
	rm->release[rm->n_release++] = slot;
}

void rm_state_free(struct remap *rm)
{
	struct rm_entry *e;
	unsigned long block;

	xa_for_each(&rm->blocks_xa, block, e)
		kfree(e);
	xa_destroy(&rm->blocks_xa);
	rm->n_entries = 0;
	rm->n_remapped = 0;
	rm->n_pending = 0;
	rm->n_lost = 0;
	rm->n_undo = 0;
	rm->n_release = 0;
	rm->map_stale = true;
}
