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
	rm_entry(rm, block, &rm->undo[rm->n_undo++]);
}

/* All that was remembered is durable. */
void rm_undo_forget(struct remap *rm)
{
	while (rm->n_undo) {
		struct rm_entry e;

		if (rm_entry(rm, rm->undo[--rm->n_undo].block, &e) &&
		    (e.flags & RM_ENTRY_DIRTY)) {
			e.flags &= ~RM_ENTRY_DIRTY;
			rm_entry_put(rm, &e);
		}
	}
}

static void undo_one(struct remap *rm, const struct rm_entry *old)
{
	struct rm_entry e = *old, now;

	rm_entry(rm, old->block, &now);
	if (now.slot != RM_NO_SLOT && now.slot != old->slot)
		/* the spare may still name it: free after a good commit only */
		rm_record_slot(rm, now.slot, NULL, RM_SLOT_HELD);
	if (now.pending != RM_NO_SLOT && old->pending == RM_NO_SLOT)
		rm_record_pending(rm, &now, false);
	e.pending = now.pending;
	e.flags = (old->flags & ~RM_ENTRY_DIRTY) | RM_ENTRY_TAINT;
	if (e.slot != RM_NO_SLOT)
		rm_record_slot(rm, e.slot, &e, e.state == REMAP_BLOCK_LOST ? RM_SLOT_LOST :
			       RM_SLOT_USED);
	if (old->pending != RM_NO_SLOT)
		rm_record_pending(rm, &e, true);
	rm_entry_put(rm, &e);
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
}
