// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making changes durable: all pages that have changed, and superblocks.
 */
#include "dm-remap.h"
#include "trace.h"

static int write_dirty(struct remap *rm)
{
	unsigned int i;
	int r = 0;

	rm->gen++;
	for (i = 0; i < rm->n_spares && !r; i++)
		r = rm_mirrors_write(rm, &rm->spare[i]);
	return r;
}

/* What was the older copy of each page that was written is the newer one. */
static void swap_copies(struct remap *rm)
{
	unsigned int i;
	u32 page;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		for_each_set_bit(page, s->dirty, s->n_pages)
			change_bit(page, s->copy);
		bitmap_zero(s->dirty, s->n_pages);
	}
	rm->n_dirty = 0;
}

static void mark_released(struct remap *rm)
{
	if (!rm->n_release)
		return;
	while (rm->n_release) {
		const struct rm_release *left = &rm->release[--rm->n_release];

		rm_record_slot(rm, left->slot, NULL, left->next);
	}
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
}

/**
 * rm_commit() - make all changes so far durable.
 * @rm: the target, locked
 *
 * Return: 0, or -EIO: then the mode has changed and nothing counts as done.
 */
int rm_commit(struct remap *rm)
{
	if (!rm->n_dirty)
		return 0;
	if (rm_mode(rm) > REMAP_MODE_MAINT)
		return -EIO;
	if (write_dirty(rm)) {
		rm_count(rm, RM_STAT_COMMIT_FAIL);
		trace_dm_remap_commit(rm_name(rm), rm->gen, -EIO);
		if (!rm_mode_is(rm, REMAP_MODE_NO_SPARE))
			rm_mode_set(rm, REMAP_MODE_RO_MD, "no metadata mirror can be written");
		return -EIO;
	}
	swap_copies(rm);
	rm_slots_release_held(&rm->slots);
	rm_count(rm, RM_STAT_COMMITS);
	trace_dm_remap_commit(rm_name(rm), rm->gen, 0);
	mark_released(rm);
	return 0;
}

/* The same for changes that are undone when it fails. */
int rm_commit_or_undo(struct remap *rm)
{
	bool changes = rm->n_dirty;
	int r = rm_commit(rm);

	if (r)
		rm_undo_all(rm);
	else
		rm_undo_forget(rm);
	rm_watermarks(rm);
	if (changes && !r)
		rm_event(rm);
	return r;
}

/* Writes the older superblock at each end, one end after the other. */
int rm_super_write(struct remap *rm, struct rm_spare *s)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA | REQ_SYNC | REQ_META;
	unsigned int end, good = 0;
	void *buf = rm->super_buf;

	if (rm->read_only)
		return -EROFS;
	if (s->retired || s->area >= rm->set.n)
		return 0;
	memset(buf, 0, RM_PAGE_BYTES);
	s->super.gen = max(s->super.gen, rm->gen) + 1;
	s->super.set = rm->set;
	s->super.index = s->area;
	rm_super_encode(&s->super, buf);
	for (end = 0; end < 2; end++) {
		u64 at = rm_layout_super(&s->layout, end, !s->super_copy);
		blk_status_t status = rm_io(rm, s->dev->bdev, opf, s->offset + at, buf,
					    RM_PAGE_BYTES);

		if (status)
			rm_spare_failed(rm, s, status);
		else
			good++;
	}
	if (good)
		s->super_copy = !s->super_copy;
	return good ? 0 : -EIO;
}

void rm_commit_work(struct work_struct *work)
{
	struct remap *rm = container_of(to_delayed_work(work), struct remap, commit_work);

	mutex_lock(&rm->lock);
	if (rm->active)
		rm_commit_or_undo(rm);
	mutex_unlock(&rm->lock);
}
