// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emptying a spare that is to be replaced: what its slots hold moves to other
 * spares.  Once it is durable that it holds nothing, a table may leave it out.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dm-remap.h"

struct batch {
	unsigned int n;
	u32 slot[RM_BATCH_BIOS];
	struct rm_range busy[RM_BATCH_BIOS];
};

/* From now on the area takes nothing. */
void rm_spare_close(struct remap *rm, struct rm_spare *s)
{
	rm_slots_close(&rm->slots, s->slot_base, s->layout.slots);
	if (!s->retired)
		return;
	/* there is nothing on it to be recorded or flushed */
	rm_pending_close(rm, s);
	WRITE_ONCE(rm_device_of(rm, s)->unflushed, false);
	WRITE_ONCE(rm_device_of(rm, s)->gone, true);
}

static bool is_on(const struct remap *rm, unsigned int i, unsigned int index)
{
	return rm->spare[i].index == index && rm->spare[i].area < rm->set.n;
}

static void close_all(struct remap *rm, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < rm->n_spares; i++)
		if (is_on(rm, i, index))
			rm_spare_close(rm, &rm->spare[i]);
}

/* It was not to be: the spare is as it was. */
static void open_all(struct remap *rm, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		if (!is_on(rm, i, index))
			continue;
		rm_slots_open(&rm->slots, s->slot_base, s->layout.slots);
		rm_pending_open(rm, s);
	}
}

/* What is on the slot goes elsewhere; -ENODATA if not all of it can be read. */
static int move(struct remap *rm, u32 slot, bool abandon)
{
	struct rm_spare *s = rm_spare_of(rm, slot);
	blk_status_t status;
	struct rm_entry e;
	u64 got;

	if (!rm_entry(rm, rm_slots_block(&rm->slots, slot), &e) || e.slot != slot || e.flags)
		return -EIO;
	status = rm_read_what_can_be(rm, s->dev->bdev, rm_slot_sector(rm, s, slot), rm->buf,
				     e.mask, &got);
	if (status) {
		rm_spare_failed(rm, s, status);
		return -EIO;
	}
	if (got != e.mask && !abandon) {
		if (e.state != REMAP_BLOCK_LOST)
			rm_set_lost(rm, &e);
		rm->news = true;
		return -ENODATA;
	}
	if (got != e.mask)
		DMWARN("%s: block %llu: sectors 0x%llx are given up", rm_name(rm), e.block,
		       e.mask & ~got);
	slot = rm_store_somewhere(rm, e.block, got);
	if (slot == RM_NO_SLOT)
		return rm_mode(rm) > REMAP_MODE_MAINT ? -EIO : -ENOSPC;
	rm_set_moved(rm, &e, slot, got);
	return 0;
}

/* The next slots of an area that hold something, from @slot on. */
static u32 gather(struct remap *rm, const struct rm_spare *s, u32 slot, struct batch *b)
{
	u32 end = s->slot_base + s->layout.slots;

	for (b->n = 0; slot < end && b->n < RM_BATCH_BIOS; slot++) {
		u64 block = rm_slots_block(&rm->slots, slot);
		u8 state = rm_slots_state(&rm->slots, slot);

		if (state != RM_SLOT_USED && state != RM_SLOT_LOST)
			continue;
		b->busy[b->n] = (struct rm_range) { .first = block, .last = block };
		b->slot[b->n++] = slot;
	}
	return slot;
}

struct progress {
	bool abandon;
	u64 moved;
	u64 unreadable;		/* the first block of which that is so, or RM_NO_BLOCK */
};

static int move_batch(struct remap *rm, const struct batch *b, struct progress *p)
{
	unsigned int i, done = 0;
	int r, commit;

	/* what was released before has to be durable before more is */
	r = rm_commit_or_undo(rm);
	if (r)
		return r;
	rm_publish(rm, b->busy, b->n, true);
	for (i = 0; i < b->n && !r; i++) {
		r = move(rm, b->slot[i], p->abandon);
		if (r == -ENODATA) {
			p->unreadable = min(p->unreadable, b->busy[i].first);
			r = 0;
		} else if (!r) {
			done++;
		}
	}
	commit = rm_commit_or_undo(rm);
	if (!commit)
		p->moved += done;
	rm_publish(rm, NULL, 0, false);
	rm_tell(rm);
	return r ?: commit;
}

/* The lock is let go of between batches. */
static int move_area(struct remap *rm, struct rm_spare *s, struct batch *b,
		     struct progress *p)
{
	u32 slot = s->slot_base;
	int r;

	for (;;) {
		if (!rm->evacuating || !rm->active || fatal_signal_pending(current))
			return -EINTR;
		if (rm_mode(rm) > REMAP_MODE_MAINT)
			return -EIO;
		slot = gather(rm, s, slot, b);
		if (!b->n)
			return 0;
		r = move_batch(rm, b, p);
		if (r)
			return r;
		mutex_unlock(&rm->lock);
		cond_resched();
		mutex_lock(&rm->lock);
	}
}

/* The scrub's place goes along; the spares that stay are told first. */
static int tell_supers(struct remap *rm, unsigned int index)
{
	unsigned int i;
	int r = 0;

	rm->set.gen++;
	for (i = 0; i < rm->n_spares && !r; i++)
		r = rm_super_write(rm, &rm->spare[i]);
	for (i = 0; i < rm->n_spares && !r; i++) {
		struct rm_spare *s = &rm->spare[i];

		/* of its own it needs not know, but then it says so itself */
		if (is_on(rm, i, index)) {
			s->retired = false;
			rm_super_write(rm, s);
			s->retired = true;
		}
	}
	return r;
}

static int retire(struct remap *rm, unsigned int index)
{
	struct rm_super *from = &rm_chief(rm)->super, *to;
	unsigned int i;
	int r = 0;

	for (i = 0; i < rm->n_spares && !r; i++)
		if (is_on(rm, i, index))
			r = rm_pending_close(rm, &rm->spare[i]);
	/* what was left is free, what was pending is elsewhere */
	r = r ?: rm_commit_or_undo(rm) ?: rm_commit_or_undo(rm);
	if (r)
		return r;
	for (i = 0; i < rm->n_spares; i++) {
		if (!is_on(rm, i, index))
			continue;
		rm->set.area[rm->spare[i].area].flags |= RM_AREA_RETIRED;
		rm->spare[i].retired = true;
	}
	rm_flush_retire(&rm->spare[index]);
	WRITE_ONCE(rm->spare[index].gone, true);
	to = &rm_chief(rm)->super;
	to->scrub_pos = from->scrub_pos;
	to->scrub_found = from->scrub_found;
	to->scrub_rate = from->scrub_rate;
	to->scrub_state = from->scrub_state;
	DMINFO("%s: spare %u is retired: it holds nothing", rm_name(rm), index);
	rm->news = true;
	return tell_supers(rm, index);
}

/* Whether there is another spare that could take what this one holds. */
static bool is_last(const struct remap *rm, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < rm->n_spares; i++)
		if (rm->spare[i].index != index && rm->spare[i].area < rm->set.n &&
		    !rm->spare[i].retired && rm->spare[i].layout.pending_pages)
			return false;
	return true;
}

/* Anything that came on the spare while the lock was let go of? */
static bool is_empty(struct remap *rm, unsigned int index, struct batch *b)
{
	unsigned int i;

	for (i = 0; i < rm->n_spares; i++) {
		if (!is_on(rm, i, index))
			continue;
		gather(rm, &rm->spare[i], rm->spare[i].slot_base, b);
		if (b->n)
			return false;
	}
	return true;
}

static int empty(struct remap *rm, unsigned int index, struct batch *b, struct progress *p)
{
	unsigned int i;
	int r = 0;

	rm->evacuating = true;
	close_all(rm, index);
	for (i = 0; i < rm->n_spares && !r; i++)
		if (is_on(rm, i, index))
			r = move_area(rm, &rm->spare[i], b, p);
	/* a load in between has read all anew, and closed nothing */
	if (!rm->evacuating)
		return -EINTR;
	if (!r && p->unreadable != RM_NO_BLOCK)
		r = -EIO;
	if (!r && !is_empty(rm, index, b))
		r = -EAGAIN;
	if (!r)
		r = retire(rm, index);
	if (!rm->spare[index].retired)
		open_all(rm, index);
	rm->evacuating = false;
	rm_tell(rm);
	return r;
}

/**
 * rm_evacuate() - move all that a spare holds to the others, and retire it.
 * @rm: the target, locked; let go of in between
 * @index: the spare's place in the table
 * @abandon: what cannot be read is given up, and stays unreadable elsewhere
 * @moved: how many blocks were moved
 * @block: set to the first block that keeps the spare from being empty
 *
 * If it fails, the spare is in use as before, with less on it.
 */
int rm_evacuate(struct remap *rm, unsigned int index, bool abandon, u64 *moved, u64 *block)
{
	struct progress p = { .abandon = abandon, .unreadable = RM_NO_BLOCK };
	struct batch *b = kmalloc(sizeof(*b), GFP_NOIO);
	int r = b ? 0 : -ENOMEM;

	if (!r && (rm->evacuating || is_last(rm, index)))
		r = -EBUSY;
	if (!r && rm->spare[index].retired)
		r = tell_supers(rm, index);
	else if (!r)
		r = empty(rm, index, b, &p);
	kfree(b);
	*moved = p.moved;
	*block = p.unreadable;
	return r;
}
