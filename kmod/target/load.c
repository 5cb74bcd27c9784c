// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the metadata pages: the newest whole copy of each counts, damaged
 * ones are repaired, and what cannot be known is refused.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dm-remap.h"

/* Generations of one page's copies in all mirrors. */
struct gens {
	u64 gen[2][REMAP_COPIES_MAX];
};

int rm_pages_alloc(struct remap *rm)
{
	u32 slots = 0, p, places;
	unsigned int i;
	u8 *state;
	u32 *wear;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		slots += s->layout.slots;
		s->page = kvcalloc(s->n_pages, sizeof(*s->page), GFP_KERNEL);
		if (!s->page)
			return -ENOMEM;
		for (p = 0; p < s->n_pages; p++) {
			INIT_LIST_HEAD(&s->page[p].dirty);
			s->page[p].image = (void *)get_zeroed_page(GFP_KERNEL);
			if (!s->page[p].image)
				return -ENOMEM;
		}
	}
	state = kvmalloc(slots, GFP_KERNEL);
	wear = kvmalloc_array(slots, sizeof(*wear), GFP_KERNEL);
	places = rm->spare[0].layout.pending_pages * RM_PENDING_PER_PAGE;
	rm->pending_map = bitmap_zalloc(places, GFP_KERNEL);
	rm->slots.state = state;
	rm->slots.wear = wear;
	if (!state || !wear || !rm->pending_map)
		return -ENOMEM;
	rm_slots_init(&rm->slots, slots, state, wear);
	return 0;
}

void rm_pages_free(struct remap *rm)
{
	unsigned int i;
	u32 p;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		for (p = 0; s->page && p < s->n_pages; p++)
			free_page((unsigned long)s->page[p].image);
		kvfree(s->page);
		s->page = NULL;
	}
	INIT_LIST_HEAD(&rm->dirty);
	kvfree(rm->slots.state);
	kvfree(rm->slots.wear);
	rm->slots.state = NULL;
	rm->slots.wear = NULL;
	rm->slots.n = 0;
	bitmap_free(rm->pending_map);
	rm->pending_map = NULL;
}

static void check_page(struct rm_spare *s, u32 p, unsigned int copy,
		       unsigned int mirror, const void *image, struct gens *g)
{
	struct rm_page_header h = rm_page_header(s, p);
	u64 gen = rm_page_check(image, &h);

	g->gen[copy][mirror] = gen;
	if (gen > s->page[p].gen) {
		s->page[p].gen = gen;
		s->page[p].copy = copy;
		memcpy(s->page[p].image, image, RM_PAGE_BYTES);
	}
}

/* All pages of a mirror, in large reads; a failing one again page by page. */
static void read_mirror(struct remap *rm, struct rm_spare *s, unsigned int mirror,
			void *buf, struct gens *gens)
{
	const u32 per_read = RM_LOAD_BYTES / RM_PAGE_BYTES;
	u32 places = s->n_pages * 2, at, i;

	for (at = 0; at < places; at += per_read) {
		u32 n = min(per_read, places - at);
		sector_t sector = s->offset + rm_layout_page(&s->layout, mirror, 0, 0) +
				  (sector_t)at * RM_PAGE_SECTORS;
		bool whole = !rm_io(rm, s->dev->bdev, REQ_OP_READ, sector, buf,
				    n * RM_PAGE_BYTES);

		for (i = 0; i < n; i++) {
			void *image = buf + i * RM_PAGE_BYTES;

			if (!whole && rm_io(rm, s->dev->bdev, REQ_OP_READ,
					    sector + i * RM_PAGE_SECTORS, image, RM_PAGE_BYTES))
				continue;
			check_page(s, (at + i) / 2, (at + i) & 1, mirror, image,
				   &gens[(at + i) / 2]);
		}
	}
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
	if (bad != all)
		s->super.mirror_mask = all & ~bad;
	else
		rm_mode_set(rm, REMAP_MODE_RO_MD, "no metadata mirror can be written");
	return 0;
}

static int load_spare(struct remap *rm, struct rm_spare *s, bool write, void *buf)
{
	struct gens *gens = kvcalloc(s->n_pages, sizeof(*gens), GFP_KERNEL);
	unsigned int m;
	int r = 0;
	u32 p;

	if (!gens)
		return -ENOMEM;
	for (m = 0; m < rm->copies; m++)
		if (s->super.mirror_mask & BIT(m))
			read_mirror(rm, s, m, buf, gens);
	for (p = 0; p < s->n_pages; p++) {
		r = rm_page_choose(gens[p].gen, s->super.mirror_mask, &m);
		if (r < 0) {
			DMERR("%s: page %u of spare %u is damaged in every mirror, refused",
			      dm_table_device_name(rm->ti->table), p, s->index);
			break;
		}
		rm->gen = max(rm->gen, s->page[p].gen);
		r = 0;
	}
	if (!r && write) {
		r = repair(rm, s, gens, buf);
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
	void *buf = kmalloc(RM_LOAD_BYTES, GFP_KERNEL);
	unsigned int i;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < rm->n_spares && !r; i++)
		r = load_spare(rm, &rm->spare[i], write, buf);
	kfree(buf);
	/* what is there is served even if nothing can be added to it */
	for (i = 0; i < rm->n_spares && !r && write; i++)
		if (rm_mode(rm) <= REMAP_MODE_MAINT && rm_super_write(rm, &rm->spare[i]))
			rm_mode_set(rm, REMAP_MODE_RO_MD, "no superblock can be written");
	return r;
}
