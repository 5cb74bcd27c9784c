// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the metadata pages: the newest whole copy of each counts, damaged
 * ones are repaired, and what cannot be known is refused.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dm-remap.h"

/* Generations of one page's copies in all mirrors, and the newest so far. */
struct gens {
	u64 gen[2][REMAP_COPIES_MAX];
	u64 newest;
};

int rm_pages_alloc(struct remap *rm)
{
	unsigned int i;
	u32 slots = 0;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		slots += s->layout.slots;
		s->dirty = bitmap_zalloc(s->n_pages, GFP_KERNEL);
		s->copy = bitmap_zalloc(s->n_pages, GFP_KERNEL);
		s->worn = bitmap_zalloc(s->n_pages, GFP_KERNEL);
		if (!s->dirty || !s->copy || !s->worn)
			return -ENOMEM;
	}
	rm->pending_map = bitmap_zalloc(rm->n_places, GFP_KERNEL);
	rm->pending_block = kvcalloc(rm->n_places, sizeof(*rm->pending_block), GFP_KERNEL);
	rm->slots_mem = kvzalloc(rm_slots_bytes(slots), GFP_KERNEL);
	rm->map = kvzalloc(rm_map_bytes(slots, rm->blocks), GFP_KERNEL);
	if (!rm->pending_map || !rm->pending_block || !rm->slots_mem || !rm->map)
		return -ENOMEM;
	rm_slots_init(&rm->slots, slots, rm->slots_mem);
	rm_map_init(rm->map, slots, rm->blocks);
	return 0;
}

void rm_pages_free(struct remap *rm)
{
	unsigned int i;

	for (i = 0; i < rm->n_spares; i++) {
		bitmap_free(rm->spare[i].dirty);
		bitmap_free(rm->spare[i].copy);
		bitmap_free(rm->spare[i].worn);
		rm->spare[i].dirty = NULL;
		rm->spare[i].copy = NULL;
		rm->spare[i].worn = NULL;
	}
	kvfree(rm->slots_mem);
	rm->slots_mem = NULL;
	rm->slots = (struct rm_slots) {};
	bitmap_free(rm->pending_map);
	kvfree(rm->pending_block);
	rm->pending_map = NULL;
	rm->pending_block = NULL;
}

static void free_masks(struct xarray *masks, unsigned long first, unsigned long last)
{
	unsigned long at;
	u64 *mask;

	xa_for_each_range(masks, at, mask, first, last)
		kfree(xa_erase(masks, at));
}

static int keep_mask(struct xarray *masks, u32 slot, u64 value)
{
	u64 *mask = kmemdup(&value, sizeof(value), GFP_KERNEL);
	int r;

	if (!mask)
		return -ENOMEM;
	r = xa_err(xa_store(masks, slot, mask, GFP_KERNEL));
	if (r)
		kfree(mask);
	return r;
}

static int take_slots(struct remap *rm, struct rm_spare *s, u32 p, const void *image,
		      struct rm_loaded *in)
{
	u32 slot = s->slot_base + p * RM_SLOTS_PER_PAGE, i;
	int r = 0;

	free_masks(&in->masks, slot, slot + RM_SLOTS_PER_PAGE - 1);
	for (i = 0; i < RM_SLOTS_PER_PAGE && !r; i++, slot++) {
		struct rm_slot_record rec;

		if (p * RM_SLOTS_PER_PAGE + i >= s->layout.slots)
			break;
		rm_slot_get(image, i, &rec);
		rm_slots_set(&rm->slots, slot, rec.state);
		rm_slots_put(&rm->slots, slot, &rec);
		rm->slots.wear[slot] = rec.wear;
		in->seq[slot] = rec.seq;
		if ((rec.state == RM_SLOT_USED || rec.state == RM_SLOT_LOST) &&
		    rec.mask != rm_full_mask(rm, rec.block))
			r = keep_mask(&in->masks, slot, rec.mask);
	}
	return r;
}

static void take_pending(struct rm_spare *s, u32 p, const void *image, struct rm_loaded *in)
{
	u32 first = s->pending_base + (p - s->layout.slot_pages) * RM_PENDING_PER_PAGE, i;

	for (i = 0; i < RM_PENDING_PER_PAGE; i++)
		rm_pending_get(image, i, &in->pending[first + i]);
}

/* Checks one copy of a page and takes what it says if it is the newest so far. */
static int check_page(struct remap *rm, struct rm_spare *s, u32 p, unsigned int copy,
		      unsigned int mirror, const void *image, struct gens *g,
		      struct rm_loaded *in)
{
	struct rm_page_header h = rm_page_header(s, p, 0);
	u64 gen = rm_page_check(image, &h);

	g->gen[copy][mirror] = gen;
	if (gen <= g->newest)
		return 0;
	g->newest = gen;
	if (copy)
		set_bit(p, s->copy);
	else
		clear_bit(p, s->copy);
	if (h.type == RM_PAGE_SLOTS)
		return take_slots(rm, s, p, image, in);
	take_pending(s, p, image, in);
	return 0;
}

/* All pages of a mirror, in large reads; a failing one again page by page. */
static int read_mirror(struct remap *rm, struct rm_spare *s, unsigned int mirror,
		       struct gens *gens, struct rm_loaded *in)
{
	u32 places = s->n_pages * 2, at, i;
	int r = 0;

	for (at = 0; at < places && !r; at += RM_LOAD_PAGES) {
		u32 n = min_t(u32, RM_LOAD_PAGES, places - at);
		sector_t sector = s->offset + rm_layout_page(&s->layout, mirror, 0, 0) +
				  (sector_t)at * RM_PAGE_SECTORS;
		bool whole = !rm_io(rm, s->dev->bdev, REQ_OP_READ, sector, rm->pages,
				    n * RM_PAGE_BYTES);

		for (i = 0; i < n && !r; i++) {
			void *image = rm->pages + i * RM_PAGE_BYTES;

			if (!whole && rm_io(rm, s->dev->bdev, REQ_OP_READ,
					    sector + i * RM_PAGE_SECTORS, image, RM_PAGE_BYTES))
				continue;
			r = check_page(rm, s, (at + i) / 2, (at + i) & 1, mirror, image,
				       &gens[(at + i) / 2], in);
		}
	}
	return r;
}

/*
 * Brings every mirror of one copy of a page up to the newest of them, those too
 * that had been given up.  What cannot be written is entered in @bad.
 */
static int repair_copy(struct remap *rm, struct rm_spare *s, u32 p, unsigned int copy,
		       const struct gens *g, void *buf, u32 *bad)
{
	unsigned int m, best = 0;
	bool have = false;
	int repaired = 0;

	for (m = 0; m < rm->copies; m++)
		if ((s->super.mirror_mask & BIT(m)) && g->gen[copy][m] > g->gen[copy][best])
			best = m;
	for (m = 0; m < rm->copies; m++) {
		sector_t from = s->offset + rm_layout_page(&s->layout, best, p, copy);
		sector_t to = s->offset + rm_layout_page(&s->layout, m, p, copy);

		if ((*bad & BIT(m)) || g->gen[copy][m] == g->gen[copy][best])
			continue;
		if (!have && rm_io(rm, s->dev->bdev, REQ_OP_READ, from, buf, RM_PAGE_BYTES))
			return -EIO;
		have = true;
		if (rm_io(rm, s->dev->bdev, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, to, buf,
			  RM_PAGE_BYTES))
			*bad |= BIT(m);
		else
			repaired++;
	}
	return repaired;
}

static int repair(struct remap *rm, struct rm_spare *s, const struct gens *gens, void *buf)
{
	u32 bad = 0, all = BIT(rm->copies) - 1;
	unsigned int copy;
	int repaired = 0;
	u32 p;

	for (p = 0; p < s->n_pages; p++) {
		for (copy = 0; copy < 2; copy++) {
			int r = repair_copy(rm, s, p, copy, &gens[p], buf, &bad);

			if (r < 0)
				return r;
			repaired += r;
		}
	}
	if (repaired) {
		DMWARN("%s: %d metadata pages of spare %u repaired",
		       dm_table_device_name(rm->ti->table), repaired, s->index);
		rm->news = true;
	}
	if (bad) {
		DMWARN("%s: metadata mirrors 0x%x of spare %u cannot be repaired",
		       dm_table_device_name(rm->ti->table), bad, s->index);
		rm->news = true;
	}
	if (bad == all) {
		rm_mode_set(rm, REMAP_MODE_RO_MD, "no metadata mirror can be written");
		return 0;
	}
	s->super.mirror_mask = all & ~bad;
	s->super.writing = 0;
	return 0;
}

/* Which copy counts; a torn one that was not acknowledged is replaced by the other. */
static int choose_page(struct remap *rm, struct rm_spare *s, u32 p, bool write, struct gens *g)
{
	u32 mask = s->super.mirror_mask;
	unsigned int mirror;
	int copy = rm_page_choose(g->gen, mask, &mirror);

	rm->gen = max(rm->gen, g->newest);
	if (copy >= 0)
		return 0;
	if (s->super.writing == rm_page_writing(p, 0) || s->super.writing == rm_page_writing(p, 1))
		copy = rm_page_choose_other(g->gen, mask, (s->super.writing - 1) & 1, &mirror);
	if (copy < 0) {
		DMERR("%s: page %u of spare %u is damaged in every mirror, refused", rm_name(rm),
		      p, s->index);
		return copy;
	}
	DMWARN("%s: page %u of spare %u was being written when the power went", rm_name(rm), p,
	       s->index);
	if (!write)
		return 0;
	if (rm_io(rm, s->dev->bdev, REQ_OP_READ,
		  s->offset + rm_layout_page(&s->layout, mirror, p, copy), rm->pages,
		  RM_PAGE_BYTES))
		return -EIO;
	if (rm_io(rm, s->dev->bdev, REQ_OP_WRITE | REQ_FUA | REQ_SYNC,
		  s->offset + rm_layout_page(&s->layout, mirror, p, !copy), rm->pages,
		  RM_PAGE_BYTES))
		rm_mode_set(rm, REMAP_MODE_RO_MD, "no metadata mirror can be written");
	else
		g->gen[!copy][mirror] = g->gen[copy][mirror];
	return 0;
}

static int load_spare(struct remap *rm, struct rm_spare *s, bool write,
		      struct rm_loaded *in)
{
	struct gens *gens = kvcalloc(s->n_pages, sizeof(*gens), GFP_KERNEL);
	unsigned int m;
	int r = 0;
	u32 p;

	if (!gens)
		return -ENOMEM;
	for (m = 0; m < rm->copies && !r; m++)
		if (s->super.mirror_mask & BIT(m))
			r = read_mirror(rm, s, m, gens, in);
	for (p = 0; p < s->n_pages && !r; p++)
		r = choose_page(rm, s, p, write, &gens[p]);
	if (!r && write && rm_mode(rm) <= REMAP_MODE_MAINT) {
		r = repair(rm, s, gens, rm->pages);
		if (r)
			DMERR("%s: cannot repair the metadata of spare %u",
			      dm_table_device_name(rm->ti->table), s->index);
	}
	kvfree(gens);
	return r;
}

/* @write: also repair; only by the target that has claimed the spares */
int rm_pages_load(struct remap *rm, bool write)
{
	struct rm_loaded in = {
		.seq = kvcalloc(rm->slots.n, sizeof(*in.seq), GFP_KERNEL),
		.pending = kvcalloc(rm->n_places, sizeof(*in.pending), GFP_KERNEL),
	};
	unsigned int i;
	int r = 0;

	xa_init(&in.masks);
	if (!in.seq || !in.pending)
		r = -ENOMEM;
	for (i = 0; i < rm->n_spares && !r; i++)
		if (!rm->spare[i].retired && rm->spare[i].area < rm->set.n)
			r = load_spare(rm, &rm->spare[i], write, &in);
	/* what is there is served even if nothing can be added to it */
	for (i = 0; i < rm->n_spares && !r && write; i++)
		if (rm_mode(rm) <= REMAP_MODE_MAINT && rm_super_write(rm, &rm->spare[i]))
			rm_mode_set(rm, REMAP_MODE_RO_MD, "no superblock can be written");
	if (!r)
		r = rm_entries_build(rm, &in);
	for (i = 0; i < rm->n_spares && !r; i++)
		if (rm->spare[i].retired)
			rm_spare_close(rm, &rm->spare[i]);
	free_masks(&in.masks, 0, ULONG_MAX);
	xa_destroy(&in.masks);
	kvfree(in.pending);
	kvfree(in.seq);
	return r;
}
