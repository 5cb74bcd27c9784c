// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow path: bios that touch blocks in a special state, and those that
 * failed.  One worker takes them in batches; all of a batch shares a commit.
 */
#include "dm-remap.h"

/* @failed: it came back from main or spare with a medium error */
void rm_defer(struct remap *rm, struct bio *bio, bool failed)
{
	struct rm_io *io = rm_io_of(bio);
	unsigned long flags;

	io->failed = failed;
	io->needs_commit = false;
	spin_lock_irqsave(&rm->deferred_lock, flags);
	bio_list_add(&rm->deferred, bio);
	spin_unlock_irqrestore(&rm->deferred_lock, flags);
	queue_work(rm->wq, &rm->work);
}

static bool take_batch(struct remap *rm)
{
	unsigned int n;

	spin_lock_irq(&rm->deferred_lock);
	for (n = 0; n < RM_BATCH_BIOS; n++) {
		struct bio *bio = bio_list_pop(&rm->deferred);

		if (!bio)
			break;
		bio_list_add(&rm->batch, bio);
	}
	spin_unlock_irq(&rm->deferred_lock);
	return n;
}

/* The blocks that writes of this batch may change, held off for others. */
static bool hold_blocks(struct remap *rm)
{
	unsigned int n = 0;
	struct bio *bio;

	bio_list_for_each(bio, &rm->batch) {
		struct rm_io *io = rm_io_of(bio);

		if (!op_is_write(bio_op(bio)) || !io->iter.bi_size)
			continue;
		rm->busy[n].first = io->iter.bi_sector >> rm->shift;
		rm->busy[n].last = (io->iter.bi_sector + (io->iter.bi_size >> SECTOR_SHIFT) - 1) >>
				   rm->shift;
		n++;
	}
	if (n)
		rm_publish(rm, rm->busy, n, true);
	return n;
}

/* Makes durable what bios of the batch have to wait for. */
void rm_settle(struct remap *rm)
{
	bool wanted = rm->n_undo;
	struct bio *bio;
	int r;

	bio_list_for_each(bio, &rm->batch)
		wanted |= rm_io_of(bio)->needs_commit;
	if (!wanted)
		return;
	r = rm_commit_or_undo(rm);
	bio_list_for_each(bio, &rm->batch) {
		struct rm_io *io = rm_io_of(bio);

		if (io->needs_commit && r && !io->status)
			io->status = io->fallback;
		io->needs_commit = false;
	}
}

static blk_status_t one_block(struct remap *rm, struct bio *bio,
			      const struct bvec_iter *piece, struct rm_entry *e)
{
	/* contents are undefined after a discard, so the old ones are as good */
	if (bio_op(bio) == REQ_OP_DISCARD)
		return BLK_STS_OK;
	if (bio_op(bio) == REQ_OP_SECURE_ERASE)
		return rm_erase_block(rm, bio, piece, e);
	if (op_is_write(bio_op(bio)))
		return rm_write_block(rm, bio, piece, e);
	return rm_read_block(rm, bio, piece, e);
}

static bool worth_singly(struct remap *rm, struct bio *bio, blk_status_t status)
{
	return rm_class(status) == RM_ERR_MEDIUM && !(bio->bi_opf & REQ_RAHEAD) &&
	       rm_may_take_over(bio) && !rm_mode_is(rm, REMAP_MODE_MAINT);
}

/*
 * Goes through a bio: runs of clean blocks at once unless @singly, all else
 * block by block.  A medium error does not keep the other blocks from being
 * read or written.
 */
static blk_status_t walk(struct remap *rm, struct bio *bio, struct bvec_iter iter,
			 bool singly)
{
	blk_status_t result = BLK_STS_OK;

	while (iter.bi_size) {
		u64 block = iter.bi_sector >> rm->shift;
		sector_t n = iter.bi_size >> SECTOR_SHIFT;
		sector_t end = (block + 1) << rm->shift;
		struct bvec_iter piece = iter;
		blk_status_t status;
		struct rm_entry e;
		bool any, clean;

		rm->main_gone = false;
		if (rm_undo_full(rm))
			rm_settle(rm);
		any = rm_entry_from(rm, block, &e);
		clean = !any || e.block > block;
		if (clean && !singly)
			end = any ? e.block << rm->shift : rm->ti->len;
		n = min_t(sector_t, n, end - iter.bi_sector);
		piece.bi_size = n << SECTOR_SHIFT;
		if (clean && !singly) {
			status = rm_io_piece(rm, rm->main->bdev,
					     rm->data_offset + iter.bi_sector, bio, &piece);
			if (worth_singly(rm, bio, status))
				status = walk(rm, bio, piece, true);
			else if (status && rm_class(status) != RM_ERR_MEDIUM)
				rm_count(rm, RM_STAT_NONMEDIA_ERRORS);
		} else {
			status = one_block(rm, bio, &piece, clean ? NULL : &e);
		}
		if (status && !result)
			result = status;
		if (status && (rm_class(status) != RM_ERR_MEDIUM || rm->main_gone))
			break;
		bio_advance_iter(bio, &iter, piece.bi_size);
	}
	return result;
}

static void process_batch(struct remap *rm)
{
	bool held = hold_blocks(rm);
	struct bio *bio;

	bio_list_for_each(bio, &rm->batch) {
		struct rm_io *io = rm_io_of(bio);
		blk_status_t status;

		if (bio->bi_opf & REQ_PREFLUSH) {
			io->status = rm_flush_failed(rm, io);
			continue;
		}
		io->status = BLK_STS_OK;
		status = rm_mode_is(rm, REMAP_MODE_FAIL) ? BLK_STS_IOERR :
			 walk(rm, bio, io->iter, io->failed);
		if (status)
			io->status = status;
	}
	rm_settle(rm);
	if (held || rm->map_stale)
		rm_publish(rm, NULL, 0, false);
	if (rm->news) {
		rm->news = false;
		rm_event(rm);
	}
	while ((bio = bio_list_pop(&rm->batch))) {
		bio->bi_status = rm_io_of(bio)->status;
		bio_endio(bio);
	}
	rm_salvage(rm);
}

void rm_work(struct work_struct *work)
{
	struct remap *rm = container_of(work, struct remap, work);

	mutex_lock(&rm->lock);
	if (take_batch(rm)) {
		process_batch(rm);
		/* messages and the delayed commit have their turn in between */
		queue_work(rm->wq, &rm->work);
	}
	mutex_unlock(&rm->lock);
}
