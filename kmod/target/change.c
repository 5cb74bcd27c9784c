// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing blocks by oneself: held off from I/O, changed, made durable, let go.
 */
#include "dm-remap.h"

/* Lets map() and whoever waits for events know what has changed. */
void rm_tell(struct remap *rm)
{
	if (rm->map_stale)
		rm_publish(rm, NULL, 0, false);
	if (rm->news) {
		rm->news = false;
		rm_event(rm);
	}
}

/**
 * rm_change() - do the same to each of a few blocks.
 * @rm: the target, locked; not within a batch
 * @first: the first block
 * @n: how many, at most RM_BATCH_BIOS
 * @op: what to do; stops at the first that fails
 * @done: how many were done
 */
int rm_change(struct remap *rm, u64 first, unsigned int n, rm_block_op op,
	      unsigned int *done)
{
	struct rm_range busy = { .first = first, .last = first + n - 1 };
	int r, commit;

	*done = 0;
	/* what was released before has to be durable before more is */
	r = rm_commit_or_undo(rm);
	if (r)
		return r;
	rm_publish(rm, &busy, 1, true);
	while (*done < n && !r) {
		r = op(rm, first + *done);
		if (!r)
			++*done;
	}
	commit = rm_commit_or_undo(rm);
	if (commit) {
		*done = 0;
		r = commit;
	}
	rm_publish(rm, NULL, 0, false);
	rm_tell(rm);
	return r;
}

/* A block needed retries to be read: the next time it may not be readable. */
void rm_salvage_want(struct remap *rm, u64 block)
{
	unsigned int i;

	if (rm->table.salvage != REMAP_ON || rm->n_salvage == RM_BATCH_BIOS)
		return;
	for (i = 0; i < rm->n_salvage; i++)
		if (rm->salvage[i] == block)
			return;
	rm->salvage[rm->n_salvage++] = block;
}

static int salvage_one(struct remap *rm, u64 block)
{
	return rm_move_to_slot(rm, block, REMAP_REASON_PREDICTED);
}

/* Moves what was wanted to slots while it can be read. */
void rm_salvage(struct remap *rm)
{
	while (rm->n_salvage) {
		u64 block = rm->salvage[--rm->n_salvage];
		struct rm_entry e;
		unsigned int done;

		if (rm_entry(rm, block, &e) || !rm_may_remap(rm) || !rm_new_failure(rm))
			continue;
		if (rm_change(rm, block, 1, salvage_one, &done))
			continue;
		rm_count(rm, RM_STAT_SALVAGED);
		rm_count(rm, RM_STAT_PREDICTED_REMAPS);
	}
}
