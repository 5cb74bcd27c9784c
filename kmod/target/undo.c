// SPDX-License-Identifier: GPL-2.0-only
/*
 * Going back to what is durable when a commit fails.
 */
#include "dm-remap.h"

/* Room for what one block can change, and then some. */
bool rm_undo_full(const struct remap *rm)
{
	return rm->n_undo > RM_UNDO_MAX - 8 || rm->n_release > RM_UNDO_MAX - 8;
}

void rm_remember(struct remap *rm, u64 block)
{
	struct rm_undo *u = &rm->undo[rm->n_undo++];
	struct rm_entry *e = rm_entry(rm, block);

	u->had = e;
	if (e)
		u->old = *e;
	else
		u->old.block = block;
}

/* All that was remembered is durable. */
void rm_undo_forget(struct remap *rm)
{
	while (rm->n_undo) {
		struct rm_entry *e = rm_entry(rm, rm->undo[--rm->n_undo].old.block);

		if (e && (e->flags & RM_ENTRY_DIRTY)) {
			e->flags &= ~RM_ENTRY_DIRTY;
			rm->map_stale = true;
		}
	}
}

static void undo_one(struct remap *rm, const struct rm_undo *u)
{
	struct rm_entry clean = {
		.block = u->old.block,
		.slot = RM_NO_SLOT,
		.pending = RM_NO_SLOT,
		.state = REMAP_BLOCK_CLEAN,
	};
	const struct rm_entry *old = u->had ? &u->old : &clean;
	struct rm_entry *e = rm_entry(rm, old->block);

	if (!e) {
		e = rm_entry_add(rm, &clean);
		if (!e) {
			rm_mode_set(rm, REMAP_MODE_FAIL, "no memory to go back");
			return;
		}
	}
	if (e->slot != RM_NO_SLOT && e->slot != old->slot) {
		/* the spare may still name it: free after a good commit only */
		rm_slots_set(&rm->slots, e->slot, RM_SLOT_HELD);
		rm_record_slot(rm, e->slot, NULL, RM_SLOT_FREE);
	}
	if (e->pending != RM_NO_SLOT && old->pending == RM_NO_SLOT)
		rm_record_pending(rm, e, false);
	rm_entry_state(rm, e, old->state);
	e->mask = old->mask;
	e->slot = old->slot;
	e->time = old->time;
	e->errors = old->errors;
	e->reason = old->reason;
	e->flags = (old->flags & ~RM_ENTRY_DIRTY) | RM_ENTRY_TAINT;
	if (e->slot != RM_NO_SLOT) {
		u8 state = e->state == REMAP_BLOCK_LOST ? RM_SLOT_LOST : RM_SLOT_USED;

		rm_slots_set(&rm->slots, e->slot, state);
		rm_record_slot(rm, e->slot, e, state);
	}
	if (old->pending != RM_NO_SLOT)
		rm_record_pending(rm, e, true);
}

/*
 * The spare may hold the failed commit or not.  Blocks it would have changed
 * stay what they were, but are not written before a commit has succeeded:
 * whatever the spare says then, it says nothing stale.
 */
void rm_undo_all(struct remap *rm)
{
	while (rm->n_undo)
		undo_one(rm, &rm->undo[--rm->n_undo]);
	rm->n_release = 0;
	rm->map_stale = true;
}
