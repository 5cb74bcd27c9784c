// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where superblocks, mirrors and slots are on a spare, and which copy of a
 * page to believe.
 */
#include "format.h"

u32 rm_pending_pages_for(u64 sectors)
{
	u64 pages = sectors >> 11;	/* one for each MiB */

	if (pages < RM_PENDING_PAGES_MIN)
		return RM_PENDING_PAGES_MIN;
	return pages > RM_PENDING_PAGES_MAX ? RM_PENDING_PAGES_MAX : (u32)pages;
}

static u64 round_up_to(u64 v, u64 align)
{
	return (v + align - 1) & ~(align - 1);	/* align: a power of two */
}

int rm_layout_exact(struct rm_layout *l, u64 sectors, u32 block_size,
		    u32 copies, u32 pending_pages, u64 slots)
{
	u64 align = max_t(u64, block_size, RM_PAGE_SECTORS);
	u64 tail;

	if (!slots || slots > 0xffffffffU)
		return -ENOSPC;
	sectors &= ~(u64)(RM_PAGE_SECTORS - 1);
	l->slots = slots;
	/* 32-bit division: the kernel has no other on every machine */
	l->slot_pages = ((u32)slots - 1) / RM_SLOTS_PER_PAGE + 1;
	l->pending_pages = pending_pages;
	l->copies = copies;
	l->mirror_sectors = ((u64)l->slot_pages + pending_pages) * 2 * RM_PAGE_SECTORS;
	l->slot_start = round_up_to(RM_SB_AREA_SECTORS +
				    l->mirror_sectors * ((copies + 1) / 2), align);
	tail = l->mirror_sectors * (copies / 2) + RM_SB_AREA_SECTORS;
	if (l->slot_start + slots * block_size + tail > sectors)
		return -ENOSPC;
	l->tail_super = sectors - RM_SB_AREA_SECTORS;
	l->tail_start = sectors - tail;
	return 0;
}

/* Areas of a spare stand one behind the other, each at a whole page. */
u64 rm_set_offset(const struct rm_set *set, u32 area)
{
	u64 at = 0;
	u32 i;

	for (i = set->area[area].spare; i < area; i++)
		if (set->area[i].spare == set->area[area].spare)
			at = round_up_to(at + set->area[i].sectors, RM_PAGE_SECTORS);
	return at;
}

int rm_layout_most(struct rm_layout *l, u64 sectors, u32 block_size,
		   u32 copies, u32 pending_pages, u64 max)
{
	u64 low = 0, high = max;

	while (low < high) {
		u64 mid = low + (high - low + 1) / 2;

		if (rm_layout_exact(l, sectors, block_size, copies, pending_pages, mid))
			high = mid - 1;
		else
			low = mid;
	}
	return rm_layout_exact(l, sectors, block_size, copies, pending_pages, low);
}

u64 rm_layout_page(const struct rm_layout *l, unsigned int mirror, u32 page,
		   unsigned int copy)
{
	u64 in = ((u64)page * 2 + copy) * RM_PAGE_SECTORS;

	if (mirror & 1)
		return l->tail_super - l->mirror_sectors * (mirror / 2 + 1) + in;
	return RM_SB_AREA_SECTORS + l->mirror_sectors * (mirror / 2) + in;
}

u64 rm_layout_super(const struct rm_layout *l, unsigned int end, unsigned int copy)
{
	return (end ? l->tail_super : 0) + (u64)copy * RM_SB_PLACE_SECTORS;
}

/* The newest of one copy in the mirrors of the mask; 0 if it is damaged in all. */
static u64 newest(const u64 gen[5], u32 mask, unsigned int *mirror)
{
	u64 best = 0;
	unsigned int m;

	for (m = 0; m < 5; m++) {
		if ((mask & (1U << m)) && gen[m] > best) {
			best = gen[m];
			*mirror = m;
		}
	}
	return best;
}

int rm_page_choose(const u64 gen[2][5], u32 mask, unsigned int *mirror)
{
	unsigned int at[2] = { 0, 0 };
	u64 a = newest(gen[0], mask, &at[0]);
	u64 b = newest(gen[1], mask, &at[1]);

	if (!a || !b)
		return -EUCLEAN;
	*mirror = at[b > a];
	return b > a;
}

int rm_page_choose_other(const u64 gen[2][5], u32 mask, unsigned int torn, unsigned int *mirror)
{
	return newest(gen[!torn], mask, mirror) ? !torn : -EUCLEAN;
}
