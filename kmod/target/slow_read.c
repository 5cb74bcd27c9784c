// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a block that failed or is in a special state.
 */
#include "dm-remap.h"

static u64 wanted(struct remap *rm, const struct bvec_iter *piece)
{
	return rm_vmask(piece->bi_sector & (rm->block_size - 1),
			piece->bi_size >> SECTOR_SHIFT);
}

/* @tries: how many reads failed before */
static blk_status_t read_retrying(struct remap *rm, struct block_device *bdev,
				  sector_t sector, struct bio *bio,
				  const struct bvec_iter *piece, unsigned int *tries)
{
	blk_status_t status;

	*tries = 0;

	do {
		status = rm_io_piece(rm, bdev, sector, bio, piece);
	} while (rm_class(status) == RM_ERR_MEDIUM &&
		 (*tries)++ < READ_ONCE(rm->table.read_retries));
	return status;
}

static blk_status_t read_clean(struct remap *rm, struct bio *bio,
			       const struct bvec_iter *piece, u64 block)
{
	unsigned int tries;
	blk_status_t status = read_retrying(rm, rm->main->bdev,
					    rm->data_offset + piece->bi_sector, bio, piece,
					    &tries);

	if (!status) {
		/* neighbours that failed only along with others did not need it */
		if (tries || rm_io_of(bio)->iter.bi_size == piece->bi_size) {
			rm_count(rm, RM_STAT_RETRIES_OK);
			rm_salvage_want(rm, block);
		}
		return status;
	}
	if (rm_main_class(rm, status) != RM_ERR_MEDIUM) {
		rm_count(rm, RM_STAT_NONMEDIA_ERRORS);
		return status;
	}
	rm_count(rm, RM_STAT_READ_ERRORS);
	WRITE_ONCE(rm->last_error, ktime_get_real_seconds());
	if (rm_mode_is(rm, REMAP_MODE_MAINT) || !rm_new_failure(rm))
		return status;
	rm_set_pending(rm, block, REMAP_REASON_READ);
	rm->news = true;
	return BLK_STS_MEDIUM;
}

/* Main may have come round; what an operator has marked is not tried. */
static blk_status_t read_pending(struct remap *rm, struct bio *bio,
				 const struct bvec_iter *piece, struct rm_entry *e)
{
	blk_status_t status;

	if (e->reason == REMAP_REASON_MANUAL)
		return BLK_STS_MEDIUM;
	status = rm_io_piece(rm, rm->main->bdev, rm->data_offset + piece->bi_sector, bio, piece);
	if (status && rm_main_class(rm, status) == RM_ERR_MEDIUM) {
		rm_count(rm, RM_STAT_READ_ERRORS);
		return BLK_STS_MEDIUM;
	}
	if (!status && wanted(rm, piece) == rm_full_mask(rm, e->block)) {
		rm_count(rm, RM_STAT_RETRIES_OK);
		rm_set_clean(rm, e);
		rm->news = true;
		queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
	}
	return status;
}

static blk_status_t read_slot(struct remap *rm, struct bio *bio,
			      const struct bvec_iter *piece, struct rm_entry *e)
{
	struct rm_spare *s = rm_spare_of(rm, e->slot);
	sector_t in = piece->bi_sector & (rm->block_size - 1);
	u64 want = wanted(rm, piece);
	unsigned int tries;
	blk_status_t status;

	if (!rm_vmask_covers(e->mask, want))
		return BLK_STS_MEDIUM;
	rm_count(rm, RM_STAT_REMAPPED_READS);
	status = read_retrying(rm, s->dev->bdev, rm_slot_sector(rm, s, e->slot) + in, bio, piece,
			       &tries);
	if (!status) {
		if (e->state == REMAP_BLOCK_LOST && rm_vmask_covers(want, e->mask))
			rm_set_found(rm, e);
		return status;
	}
	rm_spare_failed(rm, s, status);
	if (rm_class(status) != RM_ERR_MEDIUM || rm_mode_is(rm, REMAP_MODE_NO_SPARE))
		return status;
	rm_count(rm, RM_STAT_READ_ERRORS);
	if (e->state == REMAP_BLOCK_REMAPPED && !rm_mode_is(rm, REMAP_MODE_MAINT)) {
		rm_set_lost(rm, e);
		rm->news = true;
	}
	return BLK_STS_MEDIUM;
}

blk_status_t rm_read_block(struct remap *rm, struct bio *bio,
			   const struct bvec_iter *piece, struct rm_entry *e)
{
	struct rm_io *io = rm_io_of(bio);

	if (e && (e->flags & RM_ENTRY_DIRTY)) {
		io->needs_commit = true;
		io->fallback = BLK_STS_IOERR;
	}
	switch (e ? e->state : REMAP_BLOCK_CLEAN) {
	case REMAP_BLOCK_REMAPPED:
	case REMAP_BLOCK_LOST:
		return read_slot(rm, bio, piece, e);
	case REMAP_BLOCK_PENDING:
		return read_pending(rm, bio, piece, e);
	default:
		return read_clean(rm, bio, piece, piece->bi_sector >> rm->shift);
	}
}
