// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving a block a slot.
 */
#include "dm-remap.h"

/* Whether a block may get a slot by itself, the spare being what it is. */
bool rm_may_remap(struct remap *rm)
{
	return rm_mode(rm) == REMAP_MODE_RW;
}

/* Counts a block that fails anew; false beyond the burst limit. */
bool rm_new_failure(struct remap *rm)
{
	if (rm_burst_allow(&rm->burst, ktime_get_boottime_seconds() + 61,
			   rm->table.error_burst)) {
		rm->burst_told = false;
		return true;
	}
	if (!rm->burst_told) {
		DMWARN("%s: more than %llu blocks failed within a minute: errors pass through",
		       dm_table_device_name(rm->ti->table), rm->table.error_burst);
		rm_event(rm);
	}
	rm->burst_told = true;
	return false;
}

static u32 take_slot(struct remap *rm, u64 block)
{
	u32 slot = RM_NO_SLOT;
	struct rm_entry e;

	switch (rm->table.alloc) {
	case REMAP_ALLOC_FIRST:
		return rm_slots_take_first(&rm->slots);
	case REMAP_ALLOC_NEAR:
		if (block && rm_entry(rm, block - 1, &e) && e.slot != RM_NO_SLOT &&
		    e.slot + 1 < rm->slots.n)
			return rm_slots_take_near(&rm->slots, e.slot + 1);
		return rm_slots_take_near(&rm->slots,
					  mul_u64_u64_div_u64(block, rm->slots.n, rm->blocks));
	default:
		if (block && rm_entry(rm, block - 1, &e) && e.slot != RM_NO_SLOT)
			slot = rm_slots_take_behind(&rm->slots, e.slot);
		return slot != RM_NO_SLOT ? slot : rm_slots_take_wear(&rm->slots);
	}
}

/* A block that has a slot may have another; any more count against max_remaps. */
static bool within_limit(struct remap *rm, u64 block)
{
	struct rm_entry e;

	rm_entry(rm, block, &e);
	return !rm->table.max_remaps || e.slot != RM_NO_SLOT ||
	       rm->n_remapped + rm->n_lost < rm->table.max_remaps;
}

/**
 * rm_store_somewhere() - put what is in rm->buf on a slot.
 * @rm: the target, locked; the block is busy
 * @block: which
 * @mask: the sectors of rm->buf that are valid
 *
 * Return: the slot, which has no record of it yet, or RM_NO_SLOT.
 */
u32 rm_store_somewhere(struct remap *rm, u64 block, u64 mask)
{
	unsigned int tries = 0;

	for (;;) {
		u32 slot = within_limit(rm, block) ? take_slot(rm, block) : RM_NO_SLOT;
		struct rm_spare *s;
		blk_status_t failed;

		if (slot == RM_NO_SLOT) {
			DMERR_LIMIT("%s: no free slot for block %llu",
				    dm_table_device_name(rm->ti->table), block);
			rm_watermarks(rm);
			return RM_NO_SLOT;
		}
		failed = rm_slot_io(rm, slot, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, rm->buf, mask);
		if (!failed)
			return slot;
		s = rm_spare_of(rm, slot);
		rm_spare_failed(rm, s, failed);
		if (rm_class(failed) != RM_ERR_MEDIUM || rm_mode_is(rm, REMAP_MODE_NO_SPARE))
			return RM_NO_SLOT;
		rm_slot_is_bad(rm, slot);
		if (++tries % RM_SLOT_TRIES)
			continue;
		/* bad slots side by side, or a spare that takes no writes at all? */
		if (rm_super_write(rm, s)) {
			rm_mode_set(rm, REMAP_MODE_RO_MD, "every write to the spare fails");
			return RM_NO_SLOT;
		}
		cond_resched();
	}
}

/**
 * rm_store() - put what is in rm->buf on a slot and map the block there.
 * @rm: the target, locked; the block is busy
 * @block: which
 * @mask: the sectors of rm->buf that are valid
 * @reason: why
 * @status: what to return when there is no slot for it
 *
 * The mapping is not durable before the next commit.
 */
blk_status_t rm_store(struct remap *rm, u64 block, u64 mask,
		      enum remap_reason reason, blk_status_t status)
{
	u32 slot = rm_store_somewhere(rm, block, mask);

	if (slot == RM_NO_SLOT)
		return status;
	rm_set_remapped(rm, block, slot, mask, reason);
	return BLK_STS_OK;
}
