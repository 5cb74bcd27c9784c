// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own reads at idle priority, several in flight, taken back in their order.
 */
#include <linux/ioprio.h>
#include <linux/slab.h>

#include "reader.h"

void rm_reader_free(struct rm_reader *r)
{
	unsigned int i;

	if (!r)
		return;
	for (i = 0; r->pages && i < r->depth * (r->bytes >> PAGE_SHIFT); i++)
		if (r->pages[i])
			__free_page(r->pages[i]);
	kvfree(r->pages);
	kfree(r);
}

struct rm_reader *rm_reader_new(struct remap *rm, unsigned int depth, unsigned int bytes)
{
	struct rm_reader *r = kzalloc(struct_size(r, read, depth), GFP_NOIO);
	unsigned int per_read = bytes >> PAGE_SHIFT, i;

	if (!r)
		return NULL;
	r->rm = rm;
	r->depth = depth;
	r->bytes = bytes;
	r->pages = kvcalloc(depth * per_read, sizeof(*r->pages), GFP_NOIO);
	for (i = 0; r->pages && i < depth * per_read; i++) {
		r->pages[i] = alloc_page(GFP_NOIO | __GFP_NOWARN);
		if (!r->pages[i])
			break;
	}
	if (!r->pages || i < depth * per_read) {
		rm_reader_free(r);
		return NULL;
	}
	for (i = 0; i < depth; i++) {
		init_completion(&r->read[i].done);
		r->read[i].page = r->pages + i * per_read;
	}
	return r;
}

enum rm_run rm_run_at(struct remap *rm, u64 first, u64 max, u64 *n, u32 *slot)
{
	struct rm_entry e;
	bool any = rm_entry_from(rm, first, &e);

	max = min(max, rm->blocks - first);
	*n = 1;
	*slot = RM_NO_SLOT;
	if (!any || e.block > first) {
		*n = any ? min(max, e.block - first) : max;
		return RM_RUN_PLAIN;
	}
	if (e.state != REMAP_BLOCK_REMAPPED || e.mask != rm_full_mask(rm, first))
		return RM_RUN_SPECIAL;
	*slot = e.slot;
	while (*n < max) {
		if (!rm_entry(rm, first + *n, &e) || e.state != REMAP_BLOCK_REMAPPED ||
		    e.slot != *slot + *n || e.mask != rm_full_mask(rm, e.block) ||
		    rm_spare_of(rm, e.slot) != rm_spare_of(rm, *slot))
			break;
		++*n;
	}
	return RM_RUN_PLAIN;
}

static void read_done(struct bio *bio)
{
	struct rm_read *read = bio->bi_private;

	read->status = bio->bi_status;
	read->took = ktime_get_ns() - read->start;
	bio_put(bio);
	complete(&read->done);
}

void rm_reader_start(struct rm_reader *r, u64 first, u64 n, u32 slot, unsigned int tag)
{
	struct remap *rm = r->rm;
	struct rm_read *read = &r->read[(r->oldest + r->busy) % r->depth];
	struct block_device *bdev = rm->main->bdev;
	sector_t sector = rm->data_offset + (first << rm->shift);
	sector_t sectors = min_t(sector_t, n << rm->shift, rm->ti->len - (first << rm->shift));
	unsigned int left = sectors << SECTOR_SHIFT, i;
	struct bio *bio;

	if (slot != RM_NO_SLOT) {
		struct rm_spare *s = rm_spare_of(rm, slot);

		bdev = s->dev->bdev;
		sector = rm_slot_sector(rm, s, slot);
	}
	read->first = first;
	read->n = n;
	read->slot = slot;
	read->tag = tag;
	read->bytes = left;
	reinit_completion(&read->done);
	bio = bio_alloc_bioset(bdev, DIV_ROUND_UP(left, PAGE_SIZE), REQ_OP_READ | REQ_IDLE,
			       GFP_NOIO, &rm->bs);
	bio->bi_iter.bi_sector = sector;
	bio->bi_end_io = read_done;
	bio->bi_private = read;
	bio->bi_ioprio = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0);
	for (i = 0; left; i++) {
		unsigned int len = min_t(unsigned int, left, PAGE_SIZE);

		__bio_add_page(bio, read->page[i], len, 0);
		left -= len;
	}
	r->busy++;
	read->start = ktime_get_ns();
	submit_bio(bio);
}

struct rm_read *rm_reader_reap(struct rm_reader *r)
{
	struct rm_read *read = &r->read[r->oldest];

	if (!r->busy)
		return NULL;
	wait_for_completion_io(&read->done);
	r->oldest = (r->oldest + 1) % r->depth;
	r->busy--;
	return read;
}
