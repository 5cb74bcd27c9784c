// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making changes durable: the older copy of each changed page is written,
 * one mirror after the other, so that a crash damages one mirror at most.
 */
#include "dm-remap.h"
#include "trace.h"

static blk_status_t write_page(struct remap *rm, struct rm_spare *s, u32 page,
			       unsigned int mirror, void *image)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_FUA | REQ_SYNC | REQ_META;
	u64 at = rm_layout_page(&s->layout, mirror, page, !test_bit(page, s->copy));

	if (s->flush_next)
		opf |= REQ_PREFLUSH;
	s->flush_next = false;
	return rm_io(rm, s->dev->bdev, opf, s->offset + at, image, RM_PAGE_BYTES);
}

/* Some pages to one mirror, which is not written any more when that fails. */
static void write_mirror(struct remap *rm, struct rm_spare *s, unsigned int mirror,
			 const u32 *page, unsigned int n)
{
	unsigned int i;

	if (!(s->super.mirror_mask & ~s->mirror_bad & BIT(mirror)))
		return;
	for (i = 0; i < n; i++) {
		blk_status_t status = write_page(rm, s, page[i], mirror,
						 rm->pages + i * RM_PAGE_BYTES);

		if (status) {
			s->mirror_bad |= BIT(mirror);
			rm_spare_failed(rm, s, status);
			return;
		}
	}
}

static void write_spare(struct remap *rm, struct rm_spare *s)
{
	u32 at = find_first_bit(s->dirty, s->n_pages);
	u32 page[RM_LOAD_PAGES];
	unsigned int mirror, n;

	s->mirror_bad = 0;
	s->flush_next = true;
	while (at < s->n_pages) {
		for (n = 0; n < RM_LOAD_PAGES && at < s->n_pages; n++) {
			rm_page_compose(rm, s, at, rm->pages + n * RM_PAGE_BYTES);
			page[n] = at;
			at = find_next_bit(s->dirty, s->n_pages, at + 1);
		}
		for (mirror = 0; mirror < rm->copies; mirror++)
			write_mirror(rm, s, mirror, page, n);
	}
}

/*
 * A mirror that missed a write must not be believed any more; the superblock
 * says so before the commit counts.
 */
static int drop_mirrors(struct remap *rm, struct rm_spare *s)
{
	u32 left = s->super.mirror_mask & ~s->mirror_bad;
	u32 before = s->super.mirror_mask;

	if (!s->mirror_bad)
		return 0;
	if (!left)
		return -EIO;
	DMWARN("%s: metadata mirrors 0x%x of spare %u failed, 0x%x are left",
	       dm_table_device_name(rm->ti->table), s->mirror_bad, s->index, left);
	s->super.mirror_mask = left;
	if (rm_super_write(rm, s)) {
		s->super.mirror_mask = before;
		return -EIO;
	}
	rm_event(rm);
	return 0;
}

static int write_dirty(struct remap *rm)
{
	unsigned int i;
	int r = 0;

	rm->gen++;
	for (i = 0; i < rm->n_spares; i++)
		write_spare(rm, &rm->spare[i]);
	for (i = 0; i < rm->n_spares && !r; i++)
		r = drop_mirrors(rm, &rm->spare[i]);
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
	void *buf;

	if (rm->read_only)
		return -EROFS;
	if (s->retired || s->area >= rm->set.n)
		return 0;
	buf = (void *)get_zeroed_page(GFP_NOIO | __GFP_NOFAIL);
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
	free_page((unsigned long)buf);
	if (good)
		s->super_copy = !s->super_copy;
	return good ? 0 : -EIO;
}

static void dirty_all(struct remap *rm)
{
	unsigned int i;
	u32 p;

	for (i = 0; i < rm->n_spares; i++)
		for (p = 0; p < rm->spare[i].n_pages && !rm->spare[i].retired; p++)
			rm_page_dirty(rm, &rm->spare[i], p);
}

/* Writes every copy of every page to every mirror, for "recover". */
int rm_pages_rewrite(struct remap *rm)
{
	unsigned int i, round;
	int r = 0;

	for (i = 0; i < rm->n_spares; i++)
		rm->spare[i].super.mirror_mask = BIT(rm->copies) - 1;
	for (round = 0; round < 2 && !r; round++) {
		dirty_all(rm);
		r = rm_commit(rm);
	}
	for (i = 0; i < rm->n_spares && !r; i++)
		r = rm_super_write(rm, &rm->spare[i]);
	return r;
}

void rm_commit_work(struct work_struct *work)
{
	struct remap *rm = container_of(to_delayed_work(work), struct remap, commit_work);

	mutex_lock(&rm->lock);
	if (rm->active)
		rm_commit_or_undo(rm);
	mutex_unlock(&rm->lock);
}
