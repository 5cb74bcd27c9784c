// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing a block that failed or is in a special state.
 */
#include "dm-remap.h"

#define WRITE_DURABLE (REQ_OP_WRITE | REQ_FUA | REQ_SYNC)

/* One block's part of a write. */
struct part {
	struct bio *bio;
	const struct bvec_iter *piece;
	u64 block;
	sector_t main;		/* first sector of the block on main */
	unsigned int in;	/* first sector in the block */
	u64 want;		/* sectors to write */
	u64 full;		/* sectors of the block */
};

/* The data to write, at its place in a block's buffer. */
static void copy_data(const struct part *p, u8 *buf)
{
	struct bvec_iter iter;
	struct bio_vec bv;
	u8 *to = buf + (p->in << SECTOR_SHIFT);

	if (bio_op(p->bio) == REQ_OP_WRITE_ZEROES) {
		memset(to, 0, p->piece->bi_size);
		return;
	}
	__bio_for_each_segment(bv, p->bio, iter, *p->piece) {
		memcpy_from_bvec(to, &bv);
		to += bv.bv_len;
	}
}

static blk_status_t write_main(struct remap *rm, const struct part *p)
{
	return rm_io_piece(rm, rm->main->bdev, p->main + p->in, p->bio, p->piece);
}

/* The rest of the block as far as it can be read, then the data over it. */
static blk_status_t gather_from_main(struct remap *rm, const struct part *p, u64 *mask)
{
	u64 rest = p->full & ~p->want;
	blk_status_t status = rm_read_what_can_be(rm, rm->main->bdev, p->main, rm->buf,
						  rest, mask);

	/* nothing is given up for a disk that may come back */
	if (!status && *mask != rest && rm_main_class(rm, BLK_STS_IOERR) == RM_ERR_GONE)
		status = BLK_STS_IOERR;
	copy_data(p, rm->buf);
	*mask |= p->want;
	return status;
}

static blk_status_t gather_from_slot(struct remap *rm, const struct part *p,
				     const struct rm_entry *e, u64 *mask)
{
	struct rm_spare *s = rm_spare_of(rm, e->slot);
	blk_status_t status = rm_read_what_can_be(rm, s->dev->bdev,
						  rm_slot_sector(rm, s, e->slot), rm->buf,
						  e->mask & ~p->want, mask);

	copy_data(p, rm->buf);
	*mask |= p->want;
	return status;
}

static blk_status_t store(struct remap *rm, const struct part *p, u64 mask,
			  enum remap_reason reason, blk_status_t status)
{
	struct rm_io *io = rm_io_of(p->bio);
	blk_status_t r = rm_store(rm, p->block, mask, reason, status);

	if (r)
		return r;
	/* another slot for a block that has one is no further remap */
	if (reason != REMAP_REASON_SLOT)
		rm_count(rm, RM_STAT_AUTO_REMAPS);
	rm_count(rm, RM_STAT_REMAPPED_WRITES);
	io->needs_commit = true;
	io->fallback = status;
	return BLK_STS_OK;
}

static blk_status_t write_clean(struct remap *rm, const struct part *p)
{
	blk_status_t status = write_main(rm, p);
	u64 mask;

	if (!status)
		return status;
	WRITE_ONCE(rm->last_error, ktime_get_real_seconds());
	if (rm_main_class(rm, status) != RM_ERR_MEDIUM) {
		rm_count(rm, RM_STAT_NONMEDIA_ERRORS);
		return status;
	}
	rm_count(rm, RM_STAT_WRITE_ERRORS);
	if (!rm_may_remap(rm) || !rm_new_failure(rm))
		return status;
	if (gather_from_main(rm, p, &mask))
		return status;
	return store(rm, p, mask, REMAP_REASON_WRITE, status);
}

/* Writes to main and believes it only when it reads back. */
static bool verified_on_main(struct remap *rm, const struct part *p)
{
	unsigned int at = p->in << SECTOR_SHIFT;
	u64 got;

	copy_data(p, rm->buf);
	if (rm_io(rm, rm->main->bdev, WRITE_DURABLE, p->main + p->in, rm->buf + at,
		  p->piece->bi_size))
		return false;
	if (rm_read_what_can_be(rm, rm->main->bdev, p->main, rm->check, p->full, &got) ||
	    got != p->full)
		return false;
	return !memcmp(rm->buf + at, rm->check + at, p->piece->bi_size);
}

static blk_status_t write_pending(struct remap *rm, const struct part *p,
				  struct rm_entry *e)
{
	struct rm_io *io = rm_io_of(p->bio);
	bool untrusted = e->reason == REMAP_REASON_MANUAL && p->want != p->full;
	u64 mask;

	if ((rm->table.pending_write == REMAP_PENDING_WRITE_VERIFY || !rm_may_remap(rm)) &&
	    !untrusted && verified_on_main(rm, p)) {
		rm_count(rm, RM_STAT_REHABILITATED);
		rm_set_clean(rm, e);
		rm->news = true;
		/* main has the data: a failing commit takes nothing of this block away */
		if (!io->needs_commit)
			io->fallback = BLK_STS_OK;
		io->needs_commit = true;
		return BLK_STS_OK;
	}
	if (!rm_may_remap(rm))
		return BLK_STS_MEDIUM;
	if (untrusted) {
		copy_data(p, rm->buf);
		mask = p->want;
	} else {
		blk_status_t status = gather_from_main(rm, p, &mask);

		if (status)
			return status;
	}
	return store(rm, p, mask, e->reason, BLK_STS_MEDIUM);
}

static blk_status_t write_slot(struct remap *rm, const struct part *p,
			       struct rm_entry *e)
{
	bool grows = !rm_vmask_covers(e->mask, p->want);
	struct rm_io *io = rm_io_of(p->bio);
	blk_opf_t opf = p->bio->bi_opf & (REQ_FUA | REQ_SYNC | REQ_IDLE);
	blk_status_t status;
	u64 mask;

	if (grows && (rm_mode_is(rm, REMAP_MODE_RO_MD) || rm_mode_is(rm, REMAP_MODE_NO_SPARE)))
		return BLK_STS_MEDIUM;
	copy_data(p, rm->buf);
	status = rm_slot_io(rm, e->slot, grows ? WRITE_DURABLE : REQ_OP_WRITE | opf,
			    rm->buf, p->want);
	if (!status) {
		rm_count(rm, RM_STAT_REMAPPED_WRITES);
		if (grows)
			rm_set_mask(rm, e, e->mask | p->want);
		if (e->flags & RM_ENTRY_DIRTY) {
			io->needs_commit = true;
			io->fallback = BLK_STS_IOERR;
		}
		return BLK_STS_OK;
	}
	rm_spare_failed(rm, rm_spare_of(rm, e->slot), status);
	if (rm_class(status) != RM_ERR_MEDIUM || !rm_may_remap(rm))
		return status;
	if (gather_from_slot(rm, p, e, &mask))
		return status;
	return store(rm, p, mask, REMAP_REASON_SLOT, status);
}

static blk_status_t write_lost(struct remap *rm, const struct part *p, struct rm_entry *e)
{
	blk_status_t status;
	u64 mask;

	if (!rm_may_remap(rm))
		return BLK_STS_MEDIUM;
	status = gather_from_slot(rm, p, e, &mask);
	if (status)
		return status;
	return store(rm, p, mask, REMAP_REASON_SLOT, BLK_STS_MEDIUM);
}

/* Both what is read and what a block's place on main still holds. */
blk_status_t rm_erase_block(struct remap *rm, struct bio *bio,
			    const struct bvec_iter *piece, struct rm_entry *e)
{
	sector_t in = piece->bi_sector & (rm->block_size - 1);
	struct rm_spare *s;
	blk_status_t status;

	if (e && (e->flags & RM_ENTRY_TAINT))
		return BLK_STS_IOERR;
	status = rm_io_piece(rm, rm->main->bdev, rm->data_offset + piece->bi_sector, bio, piece);
	if (status || !e || e->slot == RM_NO_SLOT)
		return status;
	s = rm_spare_of(rm, e->slot);
	status = rm_io_piece(rm, s->dev->bdev, rm_slot_sector(rm, s, e->slot) + in, bio, piece);
	if (status)
		rm_spare_failed(rm, s, status);
	return status;
}

blk_status_t rm_write_block(struct remap *rm, struct bio *bio,
			    const struct bvec_iter *piece, struct rm_entry *e)
{
	struct part p = {
		.bio = bio,
		.piece = piece,
		.block = piece->bi_sector >> rm->shift,
		.in = piece->bi_sector & (rm->block_size - 1),
	};

	p.main = rm->data_offset + (p.block << rm->shift);
	p.want = rm_vmask(p.in, piece->bi_size >> SECTOR_SHIFT);
	p.full = rm_full_mask(rm, p.block);
	if (e && (e->flags & RM_ENTRY_TAINT))
		return BLK_STS_IOERR;

	switch (e ? e->state : REMAP_BLOCK_CLEAN) {
	case REMAP_BLOCK_REMAPPED:
		return write_slot(rm, &p, e);
	case REMAP_BLOCK_PENDING:
		return write_pending(rm, &p, e);
	case REMAP_BLOCK_LOST:
		return write_lost(rm, &p, e);
	default:
		return write_clean(rm, &p);
	}
}
