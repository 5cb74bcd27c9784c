// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblocks: what an area says it is, and whether it belongs to this main.
 */
#include <linux/slab.h>

#include "dm-remap.h"

struct places {
	enum rm_super_check check[2][2];	/* end, copy */
	bool zero[2];				/* an end's whole area */
	struct rm_super best;
	u8 best_copy;
	bool found;
	bool mixed;				/* superblocks of different spares */
};

static int read_end(struct remap *rm, struct rm_spare *s, unsigned int end,
		    u8 *buf, struct places *p)
{
	sector_t at = end ? (s->len & ~(sector_t)(RM_PAGE_SECTORS - 1)) - RM_SB_AREA_SECTORS : 0;
	unsigned int copy;

	if (rm_io(rm, s->dev->bdev, REQ_OP_READ, s->offset + at, buf,
		  RM_SB_AREA_SECTORS << SECTOR_SHIFT)) {
		p->check[end][0] = RM_SUPER_BAD;
		p->check[end][1] = RM_SUPER_BAD;
		return -EIO;
	}
	p->zero[end] = rm_is_zero(buf, RM_SB_AREA_SECTORS << SECTOR_SHIFT);
	for (copy = 0; copy < 2; copy++) {
		struct rm_super sb = {};

		p->check[end][copy] =
			rm_super_decode(buf + copy * RM_SB_PLACE_SECTORS * SECTOR_SIZE, &sb);
		if (p->check[end][copy] != RM_SUPER_OK)
			continue;
		if (p->found && memcmp(sb.spare_uuid, p->best.spare_uuid, RM_UUID_SIZE))
			p->mixed = true;
		if (!p->found || sb.gen > p->best.gen) {
			p->best = sb;
			p->best_copy = copy;
			p->found = true;
		}
	}
	return 0;
}

static int refuse_newer(const struct places *p, char **error)
{
	unsigned int end, copy;

	for (end = 0; end < 2; end++) {
		for (copy = 0; copy < 2; copy++) {
			if (p->check[end][copy] == RM_SUPER_NEWER) {
				*error = "The spare has a newer, incompatible format";
				return -EINVAL;
			}
		}
	}
	return 0;
}

/**
 * rm_super_load() - read the superblocks at both ends of an area.
 * @rm: the target
 * @s: the area; its superblock and whether it is blank are set
 * @error: set to what is wrong
 */
int rm_super_load(struct remap *rm, struct rm_spare *s, char **error)
{
	struct places p = {};
	unsigned int end;
	int r[2];
	u8 *buf = kmalloc(RM_SB_AREA_SECTORS << SECTOR_SHIFT, GFP_KERNEL);

	if (!buf) {
		*error = "Out of memory";
		return -ENOMEM;
	}
	for (end = 0; end < 2; end++)
		r[end] = read_end(rm, s, end, buf, &p);
	kfree(buf);

	s->blank = p.zero[0] && p.zero[1];
	memset(&s->super, 0, sizeof(s->super));
	s->super_copy = 0;
	if (s->blank)
		return 0;
	if (refuse_newer(&p, error))
		return -EINVAL;
	if (!p.found) {
		*error = r[0] || r[1] ? "Cannot read the superblocks of the spare" :
			"The spare is neither blank nor has it a valid superblock";
		return r[0] && r[1] ? -EIO : -EINVAL;
	}
	if (p.mixed) {
		*error = "The two ends of the spare belong to different spares";
		return -EINVAL;
	}
	s->super = p.best;
	s->super_copy = p.best_copy;
	/* what was interrupted while it was formatted holds nothing yet */
	s->blank = p.best.flags & RM_SB_FORMATTING;
	return 0;
}

/**
 * rm_super_peek() - what the spare says about its set.
 * @rm: the target
 * @s: the first area, taken to be as long as the table says
 * @error: set to what is wrong
 *
 * The start is asked, and the end only if the start is damaged: behind it the
 * table may have room that is not the spare's yet.
 */
int rm_super_peek(struct remap *rm, struct rm_spare *s, char **error)
{
	struct places p = {};
	u8 *buf = kmalloc(RM_SB_AREA_SECTORS << SECTOR_SHIFT, GFP_KERNEL);

	*error = "Out of memory";
	if (!buf)
		return -ENOMEM;
	read_end(rm, s, 0, buf, &p);
	kfree(buf);
	if (refuse_newer(&p, error))
		return -EINVAL;
	if (!p.found)
		return rm_super_load(rm, s, error);
	s->super = p.best;
	s->blank = p.best.flags & RM_SB_FORMATTING;
	return 0;
}

static const char *mismatch(struct remap *rm, const struct rm_spare *s)
{
	const struct rm_super *sb = &s->super;
	struct block_device *main = rm->main->bdev;

	if (sb->sectors != s->len)
		return "The spare was formatted with another length";
	if (sb->main_sectors != bdev_nr_sectors(main) || sb->target_sectors != rm->ti->len)
		return "Wrong main device: its size is not the one the spare was made for";
	if (sb->main_lbs != bdev_logical_block_size(main) ||
	    sb->main_pbs != bdev_physical_block_size(main))
		return "Wrong main device: its block sizes are not those the spare was made for";
	if (sb->data_offset != rm->data_offset)
		return "data_offset is not the one the spare was made for";
	if (rm->table.block_size && sb->block_size != rm->table.block_size)
		return "block_size is not the one the spare was made for";
	if (rm->table.copies && sb->copies != rm->table.copies)
		return "copies is not what the spare was made for";
	if (sb->block_size != rm_chief(rm)->super.block_size ||
	    sb->copies != rm_chief(rm)->super.copies)
		return "The spares differ in their geometry";
	return NULL;
}

/*
 * The copy is there for main's first sector going bad: it counts only when that
 * cannot be read, and what cannot be read at all is not believed to be main.
 */
static blk_status_t read_signature(struct remap *rm, u8 *buf, unsigned int bytes)
{
	blk_status_t status;
	unsigned int tries = 0;

	do {
		status = rm_io(rm, rm->main->bdev, REQ_OP_READ, 0, buf, bytes);
	} while (rm_class(status) == RM_ERR_MEDIUM && tries++ < rm->table.read_retries);
	if (rm_class(status) != RM_ERR_MEDIUM || rm->spare[0].blank)
		return status;
	status = rm_io(rm, rm->main->bdev, REQ_OP_READ, RM_MAIN_COPY_SECTOR, buf, bytes);
	if (!status)
		DMWARN("%s: the start of main cannot be read, the copy of its signature counts",
		       dm_table_device_name(rm->ti->table));
	return status;
}

/* With room in front of the data, main carries its set's uuid there. */
static int check_signature(struct remap *rm, char **error)
{
	unsigned int bytes = bdev_logical_block_size(rm->main->bdev);
	bool blank = rm->spare[0].blank;
	u8 uuid[RM_UUID_SIZE];
	int r = -EINVAL;
	u8 *buf;

	if (rm->data_offset < REMAP_DATA_OFFSET_SIGNED)
		return 0;
	buf = kmalloc(bytes, GFP_KERNEL);
	if (!buf) {
		*error = "Out of memory";
		return -ENOMEM;
	}
	if (read_signature(rm, buf, bytes)) {
		*error = "Cannot read the signature at the start of main";
		r = -EIO;
	} else if (!rm_main_decode(buf, uuid)) {
		*error = "Wrong main device: no signature at its start";
		r = blank ? 0 : -EINVAL;
	} else if (!memcmp(uuid, rm_chief(rm)->super.set_uuid, RM_UUID_SIZE)) {
		r = 0;
	} else if (blank) {
		*error = "Main has the signature of another spare: wipe its start to use it";
	} else {
		*error = "Wrong main device: its signature is of another set";
	}
	kfree(buf);
	return r;
}

static const char *check_supers(struct remap *rm)
{
	const char *wrong;
	unsigned int i;

	for (i = 0; i < rm->n_spares; i++) {
		const struct rm_spare *s = &rm->spare[i];

		if (s->area == RM_AREAS_MAX)
			continue;
		wrong = mismatch(rm, s);
		if (wrong)
			return wrong;
		if (rm_super_read_only(&s->super)) {
			DMWARN("%s: spare %u has features 0x%x of a newer version: read-only",
			       dm_table_device_name(rm->ti->table), s->index, s->super.ro);
			rm->read_only = true;
		}
	}
	return NULL;
}

int rm_supers_load(struct remap *rm, char **error)
{
	const char *wrong;
	int r;

	rm->read_only = !(dm_table_get_mode(rm->ti->table) & FMODE_WRITE);
	r = rm_areas_find(rm, error);
	if (r)
		return r;
	wrong = check_supers(rm);
	if (wrong) {
		*error = (char *)wrong;
		return -EINVAL;
	}
	return check_signature(rm, error);
}

static unsigned int default_block_size(struct remap *rm)
{
	unsigned int i, bytes = bdev_physical_block_size(rm->main->bdev);

	for (i = 0; i < rm->n_spares; i++)
		bytes = max(bytes, bdev_physical_block_size(rm->spare[i].dev->bdev));
	return min_t(unsigned int, bytes >> SECTOR_SHIFT, REMAP_BLOCK_MAX);
}

/* Block size and layout of each spare, as loaded or as it will be formatted. */
int rm_layouts(struct remap *rm, char **error)
{
	bool blank = rm->spare[0].blank;
	u64 max = max_t(u64, rm->table.max_remaps, RM_SLOTS_DEFAULT_MAX);
	u32 base = 0;
	unsigned int i;

	rm->n_places = 0;
	if (blank) {
		rm->block_size = rm->table.block_size ?: default_block_size(rm);
		rm->copies = rm->table.copies ?: REMAP_DEFAULT_COPIES;
	} else {
		rm->block_size = rm_chief(rm)->super.block_size;
		rm->copies = rm_chief(rm)->super.copies;
	}
	if ((rm->block_size << SECTOR_SHIFT) < bdev_logical_block_size(rm->main->bdev)) {
		*error = "block_size is less than the logical block size of main";
		return -EINVAL;
	}
	rm->shift = ilog2(rm->block_size);
	rm->unit = bdev_logical_block_size(rm->main->bdev) >> SECTOR_SHIFT;
	rm->blocks = (rm->ti->len + rm->block_size - 1) >> rm->shift;

	for (i = 0; i < rm->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];
		unsigned int lbs = bdev_logical_block_size(s->dev->bdev);
		int r;

		if ((rm->block_size << SECTOR_SHIFT) < lbs || lbs > RM_PAGE_BYTES ||
		    ((s->offset << SECTOR_SHIFT) & (lbs - 1))) {
			*error = "block_size or offset does not suit the spare's blocks";
			return -EINVAL;
		}
		/* also of one that is in the table only: I/O comes in its blocks */
		rm->unit = max(rm->unit, lbs >> SECTOR_SHIFT);
		if (!blank && s->area == RM_AREAS_MAX) {
			memset(&s->layout, 0, sizeof(s->layout));
			s->n_pages = 0;
			s->slot_base = base;
			continue;
		}
		if (blank)
			r = rm_layout_most(&s->layout, s->len, rm->block_size, rm->copies,
					   rm_pending_pages_for(s->len), max);
		else
			r = rm_layout_exact(&s->layout, s->len, rm->block_size, rm->copies,
					    s->super.pending_pages, s->super.slots);
		if (r) {
			*error = "The spare is too small";
			return r;
		}
		if (s->layout.slots >= RM_NO_SLOT - base) {
			*error = "The spares have more slots than can be numbered";
			return -EINVAL;
		}
		s->slot_base = base;
		base += s->layout.slots;
		s->n_pages = s->layout.slot_pages + s->layout.pending_pages;
		s->pending_base = rm->n_places;
		rm->n_places += s->layout.pending_pages * RM_PENDING_PER_PAGE;
	}
	return blank ? 0 : rm_grow_check(rm, error);
}
