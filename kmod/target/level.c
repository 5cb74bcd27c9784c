// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wear levelling: what the most worn slots hold moves to the least worn ones.
 */
#include "dm-remap.h"

#define MOVES_MAX	256	/* of one message */

/* Whether what the slot holds is a remapped block and nothing more. */
static bool holds(struct remap *rm, u32 slot, struct rm_entry *e)
{
	return rm_entry(rm, rm_slots_block(&rm->slots, slot), e) && e->slot == slot &&
	       !e->flags && e->state == REMAP_BLOCK_REMAPPED;
}

/* The block is busy; the old slot keeps its record until the new one is durable. */
static int move(struct remap *rm, struct rm_entry *e, u32 to)
{
	blk_status_t status = rm_slot_io(rm, e->slot, REQ_OP_READ, rm->buf, e->mask);

	if (status) {
		rm_spare_failed(rm, rm_spare_of(rm, e->slot), status);
		return -EIO;
	}
	status = rm_slot_io(rm, to, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, rm->buf, e->mask);
	if (status) {
		rm_spare_failed(rm, rm_spare_of(rm, to), status);
		if (rm_class(status) == RM_ERR_MEDIUM && !rm_mode_is(rm, REMAP_MODE_NO_SPARE))
			rm_slot_is_bad(rm, to);
		return -EIO;
	}
	rm_set_moved(rm, e, to, e->mask);
	return 0;
}

/* Twice, so that the slot that was left is free when it returns. */
static int move_durably(struct remap *rm, struct rm_entry *e, u32 to)
{
	struct rm_range busy = { .first = e->block, .last = e->block };
	int r = rm_commit_or_undo(rm), commit;

	if (r)
		return r;
	rm_publish(rm, &busy, 1, true);
	r = move(rm, e, to);
	commit = rm_commit_or_undo(rm);
	if (!commit && !r)
		commit = rm_commit_or_undo(rm);
	rm_publish(rm, NULL, 0, false);
	rm_tell(rm);
	return r ?: commit;
}

/**
 * rm_level() - move until the slots are worn about alike.
 * @rm: the target, locked; let go of between moves
 * @moved: how many blocks were moved
 */
int rm_level(struct remap *rm, unsigned int *moved)
{
	u32 from, to;
	int r = 0;

	for (*moved = 0; *moved < MOVES_MAX && !r; ++*moved) {
		struct rm_entry e;

		if (!rm->active || rm_mode(rm) > REMAP_MODE_MAINT)
			return -EIO;
		if (!rm_slots_unlevel(&rm->slots, &from, &to))
			return 0;
		if (!holds(rm, from, &e))
			return 0;
		r = move_durably(rm, &e, to);
		if (r)
			return r;
		mutex_unlock(&rm->lock);
		cond_resched();
		mutex_lock(&rm->lock);
	}
	return r;
}
