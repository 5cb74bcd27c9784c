// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making changes durable: the older copy of each changed page is written,
 * one mirror after the other, so that a crash damages one mirror at most.
 */
#include "dm-remap.h"

static struct rm_page *page_of(struct rm_spare *s, struct rm_page *page)
{
	return page >= s->page && page < s->page + s->n_pages ? page : NULL;
}

static blk_status_t write_page(struct remap *rm, struct rm_spare *s,
			       struct rm_page *page, unsigned int mirror)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_FUA | REQ_SYNC | REQ_META;
	u64 at = rm_layout_page(&s->layout, mirror, page - s->page, !page->copy);

	if (s->flush_next)
		opf |= REQ_PREFLUSH;
	s->flush_next = false;
	return rm_io(rm, s->dev->bdev, opf, s->offset + at, page->image, RM_PAGE_BYTES);
}

static void write_mirror(struct remap *rm, struct rm_spare *s, unsigned int mirror)
{
	struct rm_page *page;

	if (!(s->super.mirror_mask & ~s->mirror_bad & BIT(mirror)))
		return;
	list_for_each_entry(page, &rm->dirty, dirty) {
		blk_status_t status;

		if (!page_of(s, page))
			continue;
		status = write_page(rm, s, page, mirror);
		if (status) {
			s->mirror_bad |= BIT(mirror);
			rm_spare_failed(rm, s, status);
			return;
		}
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
	struct rm_page *page;
	unsigned int i, mirror;
	int r = 0;

	rm->gen++;
	for (i = 0; i < rm->n_spares; i++) {
		rm->spare[i].mirror_bad = 0;
		rm->spare[i].flush_next = true;
	}
	list_for_each_entry(page, &rm->dirty, dirty) {
		struct rm_page_header h;

		for (i = 0; !page_of(&rm->spare[i], page); i++)
			;
		h = rm_page_header(&rm->spare[i], page - rm->spare[i].page);
		h.gen = rm->gen;
		rm_page_seal(page->image, &h);
	}
	for (mirror = 0; mirror < rm->copies; mirror++)
		for (i = 0; i < rm->n_spares; i++)
			write_mirror(rm, &rm->spare[i], mirror);
	for (i = 0; i < rm->n_spares && !r; i++)
		r = drop_mirrors(rm, &rm->spare[i]);
	return r;
}

static void mark_released(struct remap *rm)
{
	if (!rm->n_release)
		return;
	while (rm->n_release)
		rm_record_slot(rm, rm->release[--rm->n_release], NULL, RM_SLOT_BAD);
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
	struct rm_page *page, *next;

	if (list_empty(&rm->dirty))
		return 0;
	if (rm_mode(rm) > REMAP_MODE_MAINT)
		return -EIO;
	if (write_dirty(rm)) {
		rm_count(rm, RM_STAT_COMMIT_FAIL);
		if (!rm_mode_is(rm, REMAP_MODE_NO_SPARE))
			rm_mode_set(rm, REMAP_MODE_RO_MD, "no metadata mirror can be written");
		return -EIO;
	}
	list_for_each_entry_safe(page, next, &rm->dirty, dirty) {
		page->copy = !page->copy;
		page->gen = rm->gen;
		list_del_init(&page->dirty);
	}
	rm_slots_release_held(&rm->slots);
	rm_count(rm, RM_STAT_COMMITS);
	mark_released(rm);
	return 0;
}

/* The same for changes that are undone when it fails. */
int rm_commit_or_undo(struct remap *rm)
{
	bool changes = !list_empty(&rm->dirty);
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
	buf = (void *)get_zeroed_page(GFP_NOIO | __GFP_NOFAIL);
	s->super.gen = max(s->super.gen, rm->gen) + 1;
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
		for (p = 0; p < rm->spare[i].n_pages; p++)
			if (list_empty(&rm->spare[i].page[p].dirty))
				list_add_tail(&rm->spare[i].page[p].dirty, &rm->dirty);
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
