// SPDX-License-Identifier: GPL-2.0-only
/*
 * How blocks and slots change.  Each change is recorded; commit.c makes the
 * records durable.
 */
#include "dm-remap.h"
#include "trace.h"

static void told(struct rm_entry *e, enum remap_reason reason)
{
	e->reason = reason;
	e->time = (u32)ktime_get_real_seconds();
	if (e->errors < U16_MAX)
		e->errors++;
}

/* An error of main itself. */
static void seen(struct remap *rm, u64 block)
{
	rm_hot_error(rm, block);
	rm_scrub_error(rm, block);
}

/*
 * A pending block was rewritten, read or cleared, or a remapped one is back on
 * main.  What the spare may say of it against memory, it may still say.
 */
void rm_set_clean(struct remap *rm, struct rm_entry *e)
{
	u8 taint = e->flags & RM_ENTRY_TAINT;

	if (e->slot != RM_NO_SLOT) {
		rm_remember(rm, e->block);
		/* free again once that is durable */
		rm_record_slot(rm, e->slot, NULL, RM_SLOT_HELD);
	}
	if (e->pending != RM_NO_SLOT)
		rm_record_pending(rm, e, false);
	*e = rm_entry_clean(e->block);
	e->flags = taint;
	rm_entry_put(rm, e);
}

void rm_set_pending(struct remap *rm, u64 block, enum remap_reason reason)
{
	struct rm_entry e;

	if (!rm_entry(rm, block, &e))
		DMWARN_LIMIT("%s: block %llu is pending (%s)",
			     dm_table_device_name(rm->ti->table), block,
			     remap_reason_name(reason));
	if (e.state == REMAP_BLOCK_CLEAN)
		e.state = REMAP_BLOCK_PENDING;
	told(&e, reason);
	trace_dm_remap_pending(rm_name(rm), block, RM_NO_SLOT, reason);
	if (reason == REMAP_REASON_READ)
		seen(rm, block);
	rm_record_pending(rm, &e, true);
	rm_entry_put(rm, &e);
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
}

/*
 * A slot that a block is just leaving for another is @next: bad, or held to be
 * free.  Its record stays until the new one is durable, so that the block is
 * never without one.
 */
static void leave_slot(struct remap *rm, const struct rm_entry *e, u8 next)
{
	rm->release[rm->n_release++] = (struct rm_release) {
		.slot = e->slot,
		.state = rm_slots_state(&rm->slots, e->slot),
		.next = next,
		.mask = e->mask,
	};
	rm_slots_set(&rm->slots, e->slot, RM_SLOT_LEFT);
}

/* @slot was taken for @block and written; its old slot, if any, is bad. */
void rm_set_remapped(struct remap *rm, u64 block, u32 slot, u64 mask,
		     enum remap_reason reason)
{
	struct rm_entry e;

	rm_remember(rm, block);
	rm_entry(rm, block, &e);
	if (e.slot != RM_NO_SLOT) {
		leave_slot(rm, &e, RM_SLOT_BAD);
		trace_dm_remap_slot_bad(rm_name(rm), e.slot);
	}
	if (e.pending != RM_NO_SLOT)
		rm_record_pending(rm, &e, false);
	e.state = REMAP_BLOCK_REMAPPED;
	told(&e, reason);
	trace_dm_remap_remap(rm_name(rm), block, slot, reason);
	if (reason == REMAP_REASON_WRITE)
		seen(rm, block);
	e.slot = slot;
	e.mask = mask;
	e.flags |= RM_ENTRY_DIRTY;
	rm_record_slot(rm, slot, &e, RM_SLOT_USED);
	rm_entry_put(rm, &e);
}

/*
 * What the block's slot held was written to @slot too, or as much of it as @mask
 * says.  The old slot is free when the commit behind the one that makes the new
 * record durable is.
 */
void rm_set_moved(struct remap *rm, struct rm_entry *e, u32 slot, u64 mask)
{
	rm_remember(rm, e->block);
	leave_slot(rm, e, RM_SLOT_HELD);
	e->slot = slot;
	e->mask = mask;
	e->state = REMAP_BLOCK_REMAPPED;
	e->flags |= RM_ENTRY_DIRTY;
	rm_record_slot(rm, slot, e, RM_SLOT_USED);
	rm_entry_put(rm, e);
	trace_dm_remap_remap(rm_name(rm), e->block, slot, e->reason);
}

/* More sectors of a remapped block's slot were written. */
void rm_set_mask(struct remap *rm, struct rm_entry *e, u64 mask)
{
	rm_remember(rm, e->block);
	e->mask = mask;
	e->flags |= RM_ENTRY_DIRTY;
	rm_record_slot(rm, e->slot, e, RM_SLOT_USED);
	rm_entry_put(rm, e);
}

void rm_set_lost(struct remap *rm, struct rm_entry *e)
{
	e->state = REMAP_BLOCK_LOST;
	told(e, REMAP_REASON_SLOT);
	rm_record_slot(rm, e->slot, e, RM_SLOT_LOST);
	rm_entry_put(rm, e);
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
	trace_dm_remap_lost(rm_name(rm), e->block, e->slot, e->reason);
	DMWARN_LIMIT("%s: block %llu is lost: slot %u cannot be read",
		     dm_table_device_name(rm->ti->table), e->block, e->slot);
}

/* A lost block's slot could be read after all. */
void rm_set_found(struct remap *rm, struct rm_entry *e)
{
	e->state = REMAP_BLOCK_REMAPPED;
	rm_record_slot(rm, e->slot, e, RM_SLOT_USED);
	rm_entry_put(rm, e);
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
}

/* A slot that holds nothing could not be written. */
void rm_slot_is_bad(struct remap *rm, u32 slot)
{
	rm_record_slot(rm, slot, NULL, RM_SLOT_BAD);
	trace_dm_remap_slot_bad(rm_name(rm), slot);
	DMWARN_LIMIT("%s: slot %u is bad", dm_table_device_name(rm->ti->table), slot);
}
