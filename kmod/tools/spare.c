// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a spare and judging what it says.
 */
#define _GNU_SOURCE
#include "spare.h"

#include <stdlib.h>
#include <unistd.h>

typedef unsigned long long ull;

#define damage(s, ...) do { (s)->damage++; fprintf((s)->log, __VA_ARGS__); } while (0)
#define fatal(s, ...) do { (s)->fatal++; fprintf((s)->log, __VA_ARGS__); } while (0)

int spare_read(struct spare *s, u64 sector, void *buf, size_t bytes)
{
	return pread(s->fd, buf, bytes, (off_t)((s->offset + sector) << 9)) == (ssize_t)bytes ? 0 : -EIO;
}

int spare_write(struct spare *s, u64 sector, const void *buf, size_t bytes)
{
	return pwrite(s->fd, buf, bytes, (off_t)((s->offset + sector) << 9)) == (ssize_t)bytes ? 0 : -EIO;
}

u64 spare_super_sector(const struct spare *s, unsigned int place)
{
	u64 tail = (s->sectors & ~(u64)(RM_PAGE_SECTORS - 1)) - RM_SB_AREA_SECTORS;

	return (place / 2 ? tail : 0) + (u64)(place % 2) * RM_SB_PLACE_SECTORS;
}

struct rm_page_header spare_page_header(const struct spare *s, u32 page)
{
	return (struct rm_page_header) {
		.uuid = s->super.spare_uuid,
		.number = page,
		.type = page < s->layout.slot_pages ? RM_PAGE_SLOTS : RM_PAGE_PENDING,
	};
}

static const char *check_name(enum rm_super_check check)
{
	switch (check) {
	case RM_SUPER_OK:
		return "whole";
	case RM_SUPER_BLANK:
		return "blank";
	case RM_SUPER_NEWER:
		return "of a newer format";
	default:
		return "damaged";
	}
}

static void read_supers(struct spare *s)
{
	unsigned char buf[RM_SB_BYTES];
	unsigned int i;

	s->best = -1;
	for (i = 0; i < PLACES; i++) {
		s->place[i] = RM_SUPER_BAD;
		if (!spare_read(s, spare_super_sector(s, i), buf, sizeof(buf)))
			s->place[i] = rm_super_decode(buf, &s->at[i]);
		if (s->place[i] == RM_SUPER_OK && (s->best < 0 || s->at[i].gen > s->at[s->best].gen))
			s->best = (int)i;
	}
}

/*
 * The length of the first area, if there is more: what the head's superblock
 * names, or the tail's, which is the last area's then.
 */
static void find_length(struct spare *s)
{
	unsigned int i;

	read_supers(s);
	for (i = 0; i < PLACES; i++) {
		const struct rm_super *sb = &s->at[i];
		u64 sectors = sb->sectors;

		if (s->place[i] != RM_SUPER_OK)
			continue;
		if (sb->set.gen)
			sectors = sb->set.area[sb->set.area[sb->index].spare].sectors;
		if (sectors < s->sectors && sectors >= 2 * RM_SB_AREA_SECTORS) {
			s->sectors = sectors;
			read_supers(s);
		}
		return;
	}
}

static void judge_supers(struct spare *s)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++) {
		if (s->place[i] == RM_SUPER_NEWER)
			fatal(s, "superblock %c at the %s is of a newer, incompatible format\n",
			      "AB"[i % 2], i / 2 ? "end" : "start");
		else if (s->place[i] == RM_SUPER_BAD ||
			 (s->place[i] == RM_SUPER_BLANK && s->place[i ^ 1] != RM_SUPER_OK))
			damage(s, "superblock %c at the %s is %s\n", "AB"[i % 2],
			       i / 2 ? "end" : "start", check_name(s->place[i]));
		else if (s->place[i] == RM_SUPER_OK &&
			 memcmp(s->at[i].spare_uuid, s->at[s->best].spare_uuid, RM_UUID_SIZE))
			fatal(s, "superblock %c at the %s is another spare's\n", "AB"[i % 2],
			      i / 2 ? "end" : "start");
	}
}

static int read_pages(struct spare *s)
{
	unsigned char image[RM_PAGE_BYTES];
	unsigned int m, copy;
	u32 p;

	s->pages = s->layout.slot_pages + s->layout.pending_pages;
	s->page = calloc(s->pages, sizeof(*s->page));
	if (!s->page)
		return -ENOMEM;
	for (p = 0; p < s->pages; p++) {
		struct rm_page_header h = spare_page_header(s, p);
		struct page *page = &s->page[p];
		u64 newest = 0;

		for (m = 0; m < s->super.copies; m++) {
			for (copy = 0; copy < 2; copy++) {
				u64 at = rm_layout_page(&s->layout, m, p, copy);

				if (!(s->super.mirror_mask >> m & 1) ||
				    spare_read(s, at, image, sizeof(image)))
					continue;
				page->gen[copy][m] = rm_page_check(image, &h);
				if (page->gen[copy][m] > newest) {
					newest = page->gen[copy][m];
					memcpy(page->image, image, sizeof(image));
				}
			}
		}
	}
	return 0;
}

/* Whether a copy of the page was being written to the only mirror. */
static bool is_torn(const struct spare *s, u32 p, unsigned int *copy)
{
	for (*copy = 0; *copy < 2; ++*copy)
		if (s->super.writing == rm_page_writing(p, *copy))
			return true;
	return false;
}

static void judge_pages(struct spare *s)
{
	unsigned int m, copy;
	u32 p;

	for (p = 0; p < s->pages; p++) {
		struct page *page = &s->page[p];

		page->newest = rm_page_choose(page->gen, s->super.mirror_mask, &m);
		if (page->newest < 0 && is_torn(s, p, &copy)) {
			page->newest = rm_page_choose_other(page->gen, s->super.mirror_mask, copy, &m);
			if (page->newest >= 0) {
				damage(s, "page %u copy %c was being written when the power went: the other counts\n",
				       p, "AB"[copy]);
				continue;
			}
		}
		if (page->newest < 0) {
			fatal(s, "page %u: a copy is damaged in every mirror\n", p);
			continue;
		}
		for (copy = 0; copy < 2; copy++) {
			u64 most = 0;

			for (m = 0; m < s->super.copies; m++)
				if (page->gen[copy][m] > most)
					most = page->gen[copy][m];
			for (m = 0; m < s->super.copies; m++)
				if ((s->super.mirror_mask >> m & 1) && page->gen[copy][m] != most)
					damage(s, "page %u copy %c in mirror %u is %s\n", p, "AB"[copy], m,
					       page->gen[copy][m] ? "older than in another" : "damaged");
		}
	}
}

static int by_block(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Of two records for a block the newer counts; that is a slot left behind. */
static void count_twice(struct spare *s, u64 *blocks, u64 n)
{
	u64 i, twice = 0;

	qsort(blocks, n, sizeof(*blocks), by_block);
	for (i = 1; i < n; i++)
		twice += blocks[i] == blocks[i - 1];
	if (twice)
		fprintf(s->log, "%llu blocks have left a bad slot whose record is still there (loading marks it bad)\n",
			(ull)twice);
}

static int judge_records(struct spare *s)
{
	u64 blocks = (s->super.target_sectors + s->super.block_size - 1) / s->super.block_size;
	u64 *seen = calloc(s->layout.slots, sizeof(*seen));
	u64 slot, n = 0;

	if (!seen)
		return -ENOMEM;
	for (slot = 0; slot < s->layout.slots; slot++) {
		const struct page *page = &s->page[slot / RM_SLOTS_PER_PAGE];
		struct rm_slot_record rec;

		if (page->newest < 0)
			continue;
		rm_slot_get(page->image, (unsigned int)(slot % RM_SLOTS_PER_PAGE), &rec);
		if (rec.state == RM_SLOT_FREE || rec.state == RM_SLOT_BAD)
			continue;
		if (rec.state > RM_SLOT_LOST)
			fatal(s, "slot %llu has the unknown state %u\n", (ull)slot, rec.state);
		else if (rec.block >= blocks)
			fatal(s, "slot %llu holds block %llu, which does not exist\n", (ull)slot, (ull)rec.block);
		else
			seen[n++] = rec.block;
	}
	count_twice(s, seen, n);
	free(seen);
	return 0;
}

/* The list of areas has to have the area itself. */
static bool is_listed(const struct rm_super *sb)
{
	return !sb->set.gen || (rm_set_find(&sb->set, rm_uuid_id(sb->spare_uuid)) == sb->index &&
				sb->set.area[sb->index].sectors == sb->sectors);
}

static int check_area(struct spare *s)
{
	int r;

	if (s->sectors < 2 * RM_SB_AREA_SECTORS) {
		fprintf(s->log, "too small to be a spare\n");
		return -EINVAL;
	}
	read_supers(s);
	if (s->best < 0) {
		fprintf(s->log, "no valid superblock at either end: not a spare, or not one that can be read\n");
		return -EINVAL;
	}
	s->super = s->at[s->best];
	judge_supers(s);
	if (s->fatal)
		return 0;
	if (!s->super.block_size || (s->super.block_size & (s->super.block_size - 1)) ||
	    s->super.block_size > 64 || s->super.copies < 2 || s->super.copies > MIRRORS ||
	    s->super.pending_pages > RM_PENDING_PAGES_MAX || s->super.sectors != s->sectors ||
	    rm_layout_exact(&s->layout, s->sectors, s->super.block_size, s->super.copies,
			    s->super.pending_pages, s->super.slots)) {
		fatal(s, "the superblock does not describe this area (%llu sectors, it says %llu)\n",
		      (ull)s->sectors, (ull)s->super.sectors);
		return 0;
	}
	if (!is_listed(&s->super)) {
		fatal(s, "the superblock's list of areas does not have this one\n");
		return 0;
	}
	r = read_pages(s);
	if (r)
		return r;
	judge_pages(s);
	return judge_records(s);
}

int spare_check(struct spare *s)
{
	if (s->sectors >= 2 * RM_SB_AREA_SECTORS)
		find_length(s);
	return check_area(s);
}

int spare_check_next(struct spare *s)
{
	const struct rm_set *set = &s->super.set;
	struct spare **next = &s->next;
	u32 i;
	int r = 0;

	for (i = s->super.index + 1; s->page && set->gen && i < set->n && !r; i++) {
		struct spare *more;

		if (set->area[i].spare != s->super.index)
			continue;
		more = calloc(1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		*next = more;
		next = &more->next;
		more->fd = s->fd;
		more->log = s->log;
		more->offset = s->offset + rm_set_offset(set, i);
		more->sectors = set->area[i].sectors;
		fprintf(s->log, "grown by %llu sectors from %llu on\n", (ull)more->sectors,
			(ull)more->offset);
		r = check_area(more);
		if (!r && !more->fatal && rm_uuid_id(more->super.spare_uuid) != set->area[i].id)
			fatal(more, "this is not the area that the spare's list has there\n");
	}
	return r;
}

void spare_free(struct spare *s)
{
	if (s->next)
		spare_free(s->next);
	free(s->next);
	free(s->page);
	s->next = NULL;
	s->page = NULL;
}
