// SPDX-License-Identifier: GPL-2.0-only
/*
 * A set takes in what the table gives it anew: a blank spare, or more of one
 * that it has.  The new area is whole before a superblock names it, so that it
 * counts or does not, whatever happens in between.
 */
#include <linux/slab.h>

#include "dm-remap.h"

/* Where the areas of a spare end. */
static sector_t end_of(const struct remap *rm, const struct rm_spare *first)
{
	sector_t end = first->area == RM_AREAS_MAX ? 0 : first->len;
	unsigned int i;

	for (i = rm->n_devs; i < rm->n_spares; i++)
		if (rm->spare[i].index == first->index)
			end = rm->spare[i].offset + rm->spare[i].len - first->offset;
	return end;
}

/* Whether the table gives a spare more than it has; one that takes nothing does not grow. */
bool rm_grows(const struct remap *rm, const struct rm_spare *first)
{
	return rm->set.n && !first->retired && end_of(rm, first) < first->table_len;
}

/* The area to be, not yet among those of the target. */
static const char *plan(struct remap *rm, const struct rm_spare *first, struct rm_spare *s)
{
	sector_t at = round_up(end_of(rm, first), RM_PAGE_SECTORS);
	unsigned int lbs = bdev_logical_block_size(first->dev->bdev);

	memset(s, 0, sizeof(*s));
	if (rm->set.n == RM_AREAS_MAX)
		return "The set has as many areas as it can have";
	s->dev = first->dev;
	s->index = first->index;
	s->offset = first->offset + at;
	s->len = first->table_len - min(at, first->table_len);
	if (s->len < 2 * RM_SB_AREA_SECTORS ||
	    rm_layout_most(&s->layout, s->len, rm->block_size, rm->copies,
			   rm_pending_pages_for(s->len), RM_SLOTS_DEFAULT_MAX))
		return "What is to be added to the set is too small";
	if ((rm->block_size << SECTOR_SHIFT) < lbs || lbs > RM_PAGE_BYTES ||
	    ((s->offset << SECTOR_SHIFT) & (lbs - 1)))
		return "block_size or offset does not suit the spare's blocks";
	s->n_pages = s->layout.slot_pages + s->layout.pending_pages;
	return NULL;
}

/*
 * Blank, or what was left when this was tried before: of this set, but by a
 * list that is newer than the one that counts.
 */
static const char *may_take(struct remap *rm, struct rm_spare *s)
{
	char *error;

	if (!rm_super_load(rm, s, &error) &&
	    (s->blank || (s->super.set.gen > rm->set.gen &&
			  !memcmp(s->super.set_uuid, rm_chief(rm)->super.set_uuid, RM_UUID_SIZE))))
		return NULL;
	return "What is to be added to the set is not blank";
}

/* Refuses in time what could not be done at resume. */
int rm_grow_check(struct remap *rm, char **error)
{
	struct rm_spare *s = kmalloc(sizeof(*s), GFP_KERNEL);
	const char *wrong = s ? NULL : "Out of memory";
	unsigned int i, n = 0;

	for (i = 0; i < rm->n_devs && !wrong; i++) {
		if (!rm_grows(rm, &rm->spare[i]))
			continue;
		if (rm->set.n + ++n > RM_AREAS_MAX)
			wrong = "The set has as many areas as it can have";
		else
			wrong = plan(rm, &rm->spare[i], s) ?: may_take(rm, s);
	}
	kfree(s);
	if (!wrong)
		return 0;
	*error = (char *)wrong;
	return -EINVAL;
}

/*
 * To the superblocks of all areas, the new one's first; then it counts.  Twice,
 * so that no older copy says otherwise.
 */
static int write_supers(struct remap *rm, struct rm_spare *s)
{
	int r = rm_super_write(rm, s) ?: rm_super_write(rm, s);
	unsigned int i;

	for (i = 0; i < rm->n_spares && !r; i++)
		if (rm->spare[i].area < rm->set.n)
			r = rm_super_write(rm, &rm->spare[i]) ?:
			    rm_super_write(rm, &rm->spare[i]);
	return r;
}

static int add(struct remap *rm, struct rm_spare *first, struct rm_spare *s, u8 *buf)
{
	bool is_first = first->area == RM_AREAS_MAX;
	int r = rm_format_area(rm, s, first->super.set_uuid, buf);

	if (r)
		return r;
	s->area = rm->set.n;
	s->super.flags = rm_chief(rm)->super.flags;
	rm->set.area[rm->set.n++] = (struct rm_area) {
		.id = rm_uuid_id(s->super.spare_uuid),
		.sectors = s->len,
		.spare = is_first ? s->area : first->area,
	};
	rm->set.gen++;
	r = write_supers(rm, s);
	if (!r)
		DMINFO("%s: %llu slots of spare %u added to the set", rm_name(rm),
		       s->layout.slots, s->index);
	return r;
}

/**
 * rm_grow() - take in what the table gives to the set.
 * @rm: the target, locked and loaded, its spares claimed; to be loaded again
 * @error: set to what went wrong
 */
int rm_grow(struct remap *rm, char **error)
{
	struct rm_spare *s = kmalloc(sizeof(*s), GFP_KERNEL);
	u8 *buf = kmalloc(RM_LOAD_BYTES, GFP_KERNEL);
	unsigned int i;
	int r = s && buf ? 0 : -ENOMEM;

	for (i = 0; i < rm->n_devs && !r; i++) {
		struct rm_spare *first = &rm->spare[i];
		const char *wrong;

		if (!rm_grows(rm, first))
			continue;
		wrong = rm_mode(rm) > REMAP_MODE_MAINT ?
			"The set cannot grow while its metadata cannot be written" :
			plan(rm, first, s) ?: may_take(rm, s);
		r = -EINVAL;
		if (wrong) {
			*error = (char *)wrong;
			break;
		}
		*error = "The spare cannot be written to grow";
		memcpy(first->super.set_uuid, rm_chief(rm)->super.set_uuid, RM_UUID_SIZE);
		r = add(rm, first, s, buf);
	}
	kfree(buf);
	kfree(s);
	return r;
}
