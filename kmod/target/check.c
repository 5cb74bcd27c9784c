// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at one block by oneself: what a read by a user would do to its
 * state, without a user.
 */
#include "dm-remap.h"

static enum rm_checked check_main(struct remap *rm, u64 block, bool tried)
{
	sector_t sector = rm->data_offset + (block << rm->shift);
	unsigned int bytes = rm_block_sectors(rm, block) << SECTOR_SHIFT, tries = 0;
	blk_status_t status;

	do {
		status = rm_io(rm, rm->main->bdev, REQ_OP_READ, sector, rm->buf, bytes);
	} while (rm_class(status) == RM_ERR_MEDIUM && tries++ < rm->table.read_retries);

	if (!status) {
		if (tried || tries) {
			rm_count(rm, RM_STAT_RETRIES_OK);
			rm_salvage_want(rm, block);
		}
		return RM_CHECK_GOOD;
	}
	WRITE_ONCE(rm->last_error, ktime_get_real_seconds());
	if (rm_main_class(rm, status) != RM_ERR_MEDIUM) {
		rm_count(rm, RM_STAT_NONMEDIA_ERRORS);
		return RM_CHECK_ERROR;
	}
	rm_count(rm, RM_STAT_READ_ERRORS);
	if (!rm_may_remap(rm) || !rm_new_failure(rm))
		return RM_CHECK_LATER;
	rm_set_pending(rm, block, REMAP_REASON_READ);
	rm->news = true;
	return RM_CHECK_NEW;
}

static enum rm_checked check_pending(struct remap *rm, struct rm_entry *e)
{
	sector_t sector = rm->data_offset + (e->block << rm->shift);
	unsigned int bytes = rm_block_sectors(rm, e->block) << SECTOR_SHIFT;

	if (e->reason == REMAP_REASON_MANUAL ||
	    rm_io(rm, rm->main->bdev, REQ_OP_READ, sector, rm->buf, bytes))
		return RM_CHECK_KNOWN;
	rm_count(rm, RM_STAT_RETRIES_OK);
	rm_set_clean(rm, e);
	rm->news = true;
	queue_delayed_work(rm->wq, &rm->commit_work, RM_PENDING_DELAY);
	return RM_CHECK_GOOD;
}

static enum rm_checked check_slot(struct remap *rm, struct rm_entry *e)
{
	unsigned int tries = 0;
	blk_status_t status;

	do {
		status = rm_slot_io(rm, e->slot, REQ_OP_READ, rm->buf, e->mask);
	} while (rm_class(status) == RM_ERR_MEDIUM && tries++ < rm->table.read_retries);

	if (!status) {
		if (e->state == REMAP_BLOCK_LOST) {
			rm_set_found(rm, e);
			rm->news = true;
		}
		return RM_CHECK_GOOD;
	}
	rm_spare_failed(rm, rm_spare_of(rm, e->slot), status);
	if (rm_class(status) != RM_ERR_MEDIUM || rm_mode_is(rm, REMAP_MODE_NO_SPARE))
		return RM_CHECK_ERROR;
	rm_count(rm, RM_STAT_READ_ERRORS);
	if (e->state == REMAP_BLOCK_LOST)
		return RM_CHECK_KNOWN;
	rm_set_lost(rm, e);
	rm->news = true;
	return RM_CHECK_NEW;
}

/**
 * rm_check_block() - read one block, with retries, and let its state follow.
 * @rm: the target, locked; not within a batch
 * @block: which
 * @tried: it has failed alone already, so that reading it now is a retry
 */
enum rm_checked rm_check_block(struct remap *rm, u64 block, bool tried)
{
	enum rm_checked checked;
	struct rm_entry e;

	rm_entry(rm, block, &e);
	switch (e.state) {
	case REMAP_BLOCK_REMAPPED:
	case REMAP_BLOCK_LOST:
		checked = check_slot(rm, &e);
		break;
	case REMAP_BLOCK_PENDING:
		checked = check_pending(rm, &e);
		break;
	default:
		checked = check_main(rm, block, tried);
	}
	rm_tell(rm);
	rm_salvage(rm);
	return checked;
}
