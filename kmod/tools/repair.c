// SPDX-License-Identifier: GPL-2.0-only
/*
 * Repair: what is newest and whole is copied over what is not, and nothing else
 * is changed.
 */
#include "spare.h"

#include <unistd.h>

static int repair_copy(struct spare *s, u32 p, unsigned int copy)
{
	struct rm_page_header h = spare_page_header(s, p);
	struct page *page = &s->page[p];
	unsigned char image[RM_PAGE_BYTES];
	unsigned int m, best = 0, from = copy;
	u64 whole = 0;

	for (m = 0; m < s->super.copies; m++)
		whole |= page->gen[copy][m];
	/* only the one that was being written may be torn everywhere: the other counts */
	if (!whole)
		from = !copy;
	for (m = 0; m < s->super.copies; m++)
		if (page->gen[from][m] > page->gen[from][best])
			best = m;
	for (m = 0; m < s->super.copies; m++) {
		if (!(s->super.mirror_mask >> m & 1) || page->gen[copy][m] == page->gen[from][best])
			continue;
		if (spare_read(s, rm_layout_page(&s->layout, best, p, from), image, sizeof(image)) ||
		    rm_page_check(image, &h) != page->gen[from][best] ||
		    spare_write(s, rm_layout_page(&s->layout, m, p, copy), image, sizeof(image)))
			return -EIO;
		s->repaired++;
	}
	return 0;
}

static int repair_supers(struct spare *s)
{
	unsigned char buf[RM_PAGE_BYTES] = { 0 };
	unsigned int i;

	rm_super_encode(&s->super, buf);
	for (i = 0; i < PLACES; i++) {
		if (s->place[i] != RM_SUPER_BAD &&
		    !(s->place[i] == RM_SUPER_BLANK && s->place[i ^ 1] != RM_SUPER_OK))
			continue;
		if (spare_write(s, spare_super_sector(s, i), buf, sizeof(buf)))
			return -EIO;
		s->repaired++;
	}
	return 0;
}

int spare_repair(struct spare *s)
{
	unsigned int copy;
	int r = 0;
	u32 p;

	if (s->fatal)
		return -EUCLEAN;
	for (p = 0; p < s->pages && !r; p++)
		for (copy = 0; copy < 2 && !r; copy++)
			r = repair_copy(s, p, copy);
	/* superblocks last, and only when the pages are safe */
	if (!r && fsync(s->fd))
		r = -EIO;
	if (!r)
		r = repair_supers(s);
	if (!r && fsync(s->fd))
		r = -EIO;
	return r;
}
