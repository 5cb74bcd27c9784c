// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata pages to the mirrors of a spare.  The older copy of each page is
 * written, one mirror after the other: what a power cut tears in one of them
 * stands whole in another.  When only one is left the superblock says which
 * page is being written.
 */
#include "dm-remap.h"

/* The bus may have had a bad moment; a disk gives a bad sector another place. */
#define RM_PAGE_TRIES	2

static blk_status_t write_page(struct remap *rm, struct rm_spare *s, unsigned int mirror,
			       u32 page, unsigned int copy, void *image)
{
	u64 at = rm_layout_page(&s->layout, mirror, page, copy);
	blk_opf_t opf = REQ_OP_WRITE | REQ_FUA | REQ_SYNC | REQ_META;
	unsigned int tries = RM_PAGE_TRIES;
	blk_status_t status;

	if (s->flush_next)
		opf |= REQ_PREFLUSH;
	do {
		status = rm_io(rm, s->dev->bdev, opf, s->offset + at, image, RM_PAGE_BYTES);
	} while (status && --tries);
	if (status)
		rm_spare_failed(rm, s, status);
	else
		s->flush_next = false;
	return status;
}

/* Some pages to one mirror. */
static int write_mirror(struct remap *rm, struct rm_spare *s, unsigned int mirror,
			const u32 *page, unsigned int n)
{
	bool last = s->super.mirror_mask == BIT(mirror);
	unsigned int i;

	for (i = 0; i < n; i++) {
		unsigned int older = !test_bit(page[i], s->copy);

		if (last) {
			s->super.writing = rm_page_writing(page[i], older);
			if (rm_super_write(rm, s))
				return -EIO;
		}
		if (write_page(rm, s, mirror, page[i], older, rm->pages + i * RM_PAGE_BYTES))
			return -EIO;
	}
	return 0;
}

/*
 * A mirror that missed a write must not be believed any more.  The superblock
 * says so before the next one is written.
 */
static int give_up(struct remap *rm, struct rm_spare *s, unsigned int mirror)
{
	u32 before = s->super.mirror_mask;

	if (before == BIT(mirror) || rm_device_of(rm, s)->gone)
		return -EIO;
	s->super.mirror_mask &= ~BIT(mirror);
	DMWARN("%s: metadata mirror %u of spare %u failed, 0x%x are left", rm_name(rm), mirror,
	       s->index, s->super.mirror_mask);
	if (rm_super_write(rm, s)) {
		s->super.mirror_mask = before;
		return -EIO;
	}
	rm_event(rm);
	return 0;
}

static int write_pages(struct remap *rm, struct rm_spare *s, const u32 *page, unsigned int n)
{
	unsigned int m;
	int r = 0;

	for (m = 0; m < rm->copies && !r; m++)
		if ((s->super.mirror_mask & BIT(m)) && write_mirror(rm, s, m, page, n))
			r = give_up(rm, s, m);
	return r;
}

/* What the superblock says is torn is whole before it says another page. */
static int write_torn(struct remap *rm, struct rm_spare *s)
{
	u32 page = (s->super.writing - 1) / 2;

	rm_page_compose(rm, s, page, rm->pages);
	rm_page_dirty(rm, s, page);
	return write_pages(rm, s, &page, 1);
}

/**
 * rm_mirrors_write() - write all pages of a spare that have changed.
 * @rm: the target, locked
 * @s: the spare
 *
 * Return: 0, or -EIO if they do not stand in every mirror that is believed.
 */
int rm_mirrors_write(struct remap *rm, struct rm_spare *s)
{
	u32 at = find_first_bit(s->dirty, s->n_pages);
	u32 page[RM_LOAD_PAGES];
	unsigned int n;
	int r = 0;

	if (at == s->n_pages)
		return 0;
	s->flush_next = true;
	if (s->super.writing)
		r = write_torn(rm, s);
	while (at < s->n_pages && !r) {
		for (n = 0; n < RM_LOAD_PAGES && at < s->n_pages; n++) {
			rm_page_compose(rm, s, at, rm->pages + n * RM_PAGE_BYTES);
			page[n] = at;
			at = find_next_bit(s->dirty, s->n_pages, at + 1);
		}
		r = write_pages(rm, s, page, n);
	}
	if (r || !s->super.writing)
		return r;
	/* what is damaged from now on was acknowledged */
	s->super.writing = 0;
	return rm_super_write(rm, s);
}

/*
 * Brings mirrors that were given up to what memory says, and then back in: a
 * page that is torn in the others counts no more.
 */
static int join(struct remap *rm, struct rm_spare *s)
{
	struct rm_super before = s->super;
	u32 joining = BIT(rm->copies) - 1 - before.mirror_mask, page;
	unsigned int m, copy;

	s->flush_next = true;
	for (page = 0; page < s->n_pages && joining; page++) {
		rm_page_compose(rm, s, page, rm->pages);
		for (m = 0; m < rm->copies; m++)
			for (copy = 0; copy < 2 && (joining & BIT(m)); copy++)
				if (write_page(rm, s, m, page, copy, rm->pages))
					joining &= ~BIT(m);
	}
	if (!joining)
		return 0;
	s->super.mirror_mask |= joining;
	s->super.writing = 0;
	if (!rm_super_write(rm, s))
		return 0;
	s->super.mirror_mask = before.mirror_mask;
	s->super.writing = before.writing;
	return -EIO;
}

static void dirty_all(struct remap *rm, struct rm_spare *s)
{
	u32 page;

	for (page = 0; page < s->n_pages; page++)
		rm_page_dirty(rm, s, page);
}

/* Every copy of every page to every mirror that takes them, for "recover". */
int rm_mirrors_rewrite(struct remap *rm)
{
	unsigned int i, round;
	int r = 0;

	rm->gen++;
	for (i = 0; i < rm->n_spares && !r; i++)
		if (!rm->spare[i].retired)
			r = join(rm, &rm->spare[i]);
	for (round = 0; round < 2 && !r; round++) {
		for (i = 0; i < rm->n_spares; i++)
			if (!rm->spare[i].retired)
				dirty_all(rm, &rm->spare[i]);
		r = rm_commit(rm);
	}
	for (i = 0; i < rm->n_spares && !r; i++)
		r = rm_super_write(rm, &rm->spare[i]);
	return r;
}
