// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving readable blocks on request.  The block is busy, so no I/O to it is
 * under way; the mapping counts after the next commit.
 */
#include "dm-remap.h"

static blk_status_t read_main(struct remap *rm, u64 block, u8 *buf)
{
	unsigned int bytes = rm_block_sectors(rm, block) << SECTOR_SHIFT;
	sector_t sector = rm->data_offset + (block << rm->shift);
	unsigned int tries = 0;
	blk_status_t status;

	do {
		status = rm_io(rm, rm->main->bdev, REQ_OP_READ, sector, buf, bytes);
	} while (rm_class(status) == RM_ERR_MEDIUM && tries++ < rm->table.read_retries);
	return status;
}

int rm_move_to_slot(struct remap *rm, u64 block, enum remap_reason reason)
{
	blk_status_t status;
	struct rm_entry e;

	if (rm_entry(rm, block, &e))
		return e.state == REMAP_BLOCK_REMAPPED ? 0 : -EIO;
	status = read_main(rm, block, rm->buf);
	if (status && rm_main_class(rm, status) == RM_ERR_MEDIUM) {
		rm_count(rm, RM_STAT_READ_ERRORS);
		rm_set_pending(rm, block, REMAP_REASON_READ);
		rm->news = true;
		return -EIO;
	}
	if (status)
		return -EIO;
	status = rm_store(rm, block, rm_full_mask(rm, block), reason, BLK_STS_NOSPC);
	return blk_status_to_errno(status);
}

/* What a block's slot holds, to rm->buf; a block that cannot be read is lost. */
static int read_slot(struct remap *rm, struct rm_entry *e)
{
	blk_status_t status = rm_slot_io(rm, e->slot, REQ_OP_READ, rm->buf, e->mask);

	if (!status)
		return 0;
	rm_spare_failed(rm, rm_spare_of(rm, e->slot), status);
	if (rm_class(status) == RM_ERR_MEDIUM && !rm_mode_is(rm, REMAP_MODE_NO_SPARE)) {
		rm_set_lost(rm, e);
		rm->news = true;
	}
	return -EIO;
}

int rm_move_to_main(struct remap *rm, u64 block)
{
	unsigned int bytes = rm_block_sectors(rm, block) << SECTOR_SHIFT;
	sector_t sector = rm->data_offset + (block << rm->shift);
	struct rm_entry e;

	if (!rm_entry(rm, block, &e) || e.state == REMAP_BLOCK_PENDING ||
	    e.state == REMAP_BLOCK_CLEAN)
		return 0;
	if (e.state == REMAP_BLOCK_LOST || e.mask != rm_full_mask(rm, block) || e.flags)
		return -EIO;
	if (read_slot(rm, &e))
		return -EIO;
	if (rm_io(rm, rm->main->bdev, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, sector, rm->buf, bytes))
		return -EIO;
	if (read_main(rm, block, rm->check) || memcmp(rm->buf, rm->check, bytes))
		return -EIO;
	rm_set_clean(rm, &e);
	return 0;
}

/* Takes a slot out of use; what it holds goes to another. */
int rm_replace_slot(struct remap *rm, u32 slot)
{
	blk_status_t status;
	struct rm_entry e;

	switch (rm_slots_state(&rm->slots, slot)) {
	case RM_SLOT_FREE:
	case RM_SLOT_HELD:
		rm_slot_is_bad(rm, slot);
		return 0;
	case RM_SLOT_USED:
		break;
	case RM_SLOT_BAD:
		return 0;
	default:
		/* of a block that cannot be read, or on its way to be free */
		return -EIO;
	}
	if (!rm_entry(rm, rm_slots_block(&rm->slots, slot), &e) || e.slot != slot || e.flags)
		return -EIO;
	if (read_slot(rm, &e))
		return -EIO;
	status = rm_store(rm, e.block, e.mask, REMAP_REASON_SLOT, BLK_STS_NOSPC);
	return blk_status_to_errno(status);
}
