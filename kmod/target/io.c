// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own bios, one at a time, waited for.
 */
#include "dm-remap.h"

blk_status_t rm_io(struct remap *rm, struct block_device *bdev, blk_opf_t opf,
		   sector_t sector, void *buf, unsigned int bytes)
{
	unsigned int pages = DIV_ROUND_UP(offset_in_page(buf) + bytes, PAGE_SIZE);
	struct bio *bio = bio_alloc_bioset(bdev, pages, opf, GFP_NOIO, &rm->bs);
	blk_status_t status;

	bio->bi_iter.bi_sector = sector;
	while (bytes) {
		unsigned int n = min_t(unsigned int, bytes, PAGE_SIZE - offset_in_page(buf));

		__bio_add_page(bio, virt_to_page(buf), n, offset_in_page(buf));
		buf += n;
		bytes -= n;
	}
	submit_bio_wait(bio);
	status = bio->bi_status;
	bio_put(bio);
	return status;
}

/* One piece of a bio, sent to @sector of @bdev with the bio's own flags. */
blk_status_t rm_io_piece(struct remap *rm, struct block_device *bdev,
			 sector_t sector, struct bio *bio,
			 const struct bvec_iter *piece)
{
	struct bio *clone = bio_alloc_clone(bdev, bio, GFP_NOIO, &rm->bs);
	blk_status_t status;

	/* nobody polls for it, and it is not to be given up lightly */
	clone->bi_opf &= ~(REQ_POLLED | REQ_RAHEAD | REQ_NOWAIT);
	clone->bi_iter = *piece;
	clone->bi_iter.bi_sector = sector;
	clone->bi_status = BLK_STS_OK;
	submit_bio_wait(clone);
	status = clone->bi_status;
	bio_put(clone);
	return status;
}

/*
 * Some of a block's sectors.  Which of them are valid may be known more finely
 * than this disk can be asked: the block was on another one, with smaller
 * logical blocks.
 */
static blk_status_t part_io(struct remap *rm, struct block_device *bdev, blk_opf_t opf,
			    sector_t sector, u8 *buf, unsigned int at, unsigned int n)
{
	unsigned int lbs = bdev_logical_block_size(bdev) >> SECTOR_SHIFT;
	unsigned int end = round_up(at + n, lbs);

	at = round_down(at, lbs);
	return rm_io(rm, bdev, opf, sector + at, buf + (at << SECTOR_SHIFT),
		     (end - at) << SECTOR_SHIFT);
}

/* What is written beside the sectors of @mask is nobody's. */
static void clear_others(struct remap *rm, u8 *buf, u64 mask)
{
	unsigned int i;

	for (i = 0; i < rm->block_size; i++)
		if (!rm_vmask_covers(mask, rm_vmask(i, 1)))
			memset(buf + (i << SECTOR_SHIFT), 0, SECTOR_SIZE);
}

/*
 * Reads or writes the sectors of @mask between a slot and a block's buffer.
 * Unless they are whole logical blocks, nothing else on the slot may be of use.
 */
blk_status_t rm_slot_io(struct remap *rm, u32 slot, blk_opf_t opf, u8 *buf,
			u64 mask)
{
	struct rm_spare *s = rm_spare_of(rm, slot);
	sector_t sector = rm_slot_sector(rm, s, slot);
	bool write = op_is_write(opf & REQ_OP_MASK);
	unsigned int at = 0, n;

	if (write) {
		rm_wear(rm, s, slot);
		clear_others(rm, buf, mask);
	}
	for (; (n = rm_vmask_run(mask, &at)); at += n) {
		blk_status_t status = part_io(rm, s->dev->bdev, opf, sector, buf, at, n);

		if (status)
			return status;
	}
	if (write && !(opf & REQ_FUA))
		rm_wrote(rm_device_of(rm, s));
	return BLK_STS_OK;
}

static blk_status_t read_sectors(struct remap *rm, struct block_device *bdev,
				 sector_t sector, u8 *buf, unsigned int at, unsigned int n)
{
	unsigned int tries = 0;
	blk_status_t status;

	do {
		status = part_io(rm, bdev, REQ_OP_READ, sector, buf, at, n);
	} while (rm_class(status) == RM_ERR_MEDIUM && tries++ < READ_ONCE(rm->table.read_retries));
	return status;
}

/**
 * rm_read_what_can_be() - read one block's sectors, at once or unit by unit.
 * @rm: the target
 * @bdev: where from
 * @sector: where the block starts
 * @buf: a block's buffer
 * @want: which sectors
 * @got: which of them could be read
 *
 * Return: BLK_STS_OK, or an error that says nothing about the medium: then
 * what could not be read may be there all the same.
 */
blk_status_t rm_read_what_can_be(struct remap *rm, struct block_device *bdev,
				 sector_t sector, u8 *buf, u64 want, u64 *got)
{
	unsigned int at = 0, n;

	*got = 0;
	for (; (n = rm_vmask_run(want, &at)); at += n) {
		blk_status_t status;
		unsigned int i, step;

		status = part_io(rm, bdev, REQ_OP_READ, sector, buf, at, n);
		if (!status) {
			*got |= rm_vmask(at, n);
			continue;
		}
		for (i = at; i < at + n; i += step) {
			step = min(round_up(i + 1, rm->unit), at + n) - i;
			status = read_sectors(rm, bdev, sector, buf, i, step);
			if (!status)
				*got |= rm_vmask(i, step);
			else if (rm_class(status) != RM_ERR_MEDIUM)
				return status;
		}
	}
	return BLK_STS_OK;
}
