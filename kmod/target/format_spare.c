// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatting a blank spare: all pages, superblocks that say so, main's
 * signature, and last of all the superblocks again, the first spare's behind
 * the others'.  What is interrupted before is formatted anew, for the same set.
 */
#include <linux/slab.h>
#include <linux/uuid.h>

#include "dm-remap.h"

static int format_mirror(struct remap *rm, struct rm_spare *s, unsigned int mirror, u8 *buf)
{
	const u32 per_write = RM_LOAD_BYTES / RM_PAGE_BYTES;
	u32 places = s->n_pages * 2, at, i;

	for (at = 0; at < places; at += per_write) {
		u32 n = min(per_write, places - at);
		sector_t sector = s->offset + rm_layout_page(&s->layout, mirror, 0, 0) +
				  (sector_t)at * RM_PAGE_SECTORS;

		memset(buf, 0, RM_LOAD_BYTES);
		for (i = 0; i < n; i++) {
			u64 gen = 2 - ((at + i) & 1);	/* A is the newer one */
			struct rm_page_header h = rm_page_header(s, (at + i) / 2, gen);

			rm_page_seal(buf + i * RM_PAGE_BYTES, &h);
		}
		if (rm_io(rm, s->dev->bdev, REQ_OP_WRITE | REQ_SYNC, sector, buf,
			  n * RM_PAGE_BYTES))
			return -EIO;
	}
	return 0;
}

static int write_signature(struct remap *rm, u8 *buf)
{
	static const sector_t places[] = { RM_MAIN_COPY_SECTOR, 0 };
	unsigned int bytes = bdev_logical_block_size(rm->main->bdev), i;

	if (rm->data_offset < REMAP_DATA_OFFSET_SIGNED)
		return 0;
	memset(buf, 0, bytes);
	rm_main_encode(rm->spare[0].super.set_uuid, buf);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (rm_io(rm, rm->main->bdev, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, places[i], buf,
			  bytes))
			return -EIO;
	return 0;
}

/*
 * Writes the pages and thinks up the superblock.  What an interrupted attempt
 * has left keeps its uuid, so that no place says that it is another's.
 */
int rm_format_area(struct remap *rm, struct rm_spare *s, const u8 *set_uuid, u8 *buf)
{
	struct block_device *main = rm->main->bdev;
	struct rm_super old = s->super;
	unsigned int mirror;
	int r = 0;

	s->super = (struct rm_super) {
		.gen = old.gen,
		.main_sectors = bdev_nr_sectors(main),
		.target_sectors = rm->ti->len,
		.data_offset = rm->data_offset,
		.main_lbs = bdev_logical_block_size(main),
		.main_pbs = bdev_physical_block_size(main),
		.block_size = rm->block_size,
		.copies = rm->copies,
		.mirror_mask = BIT(rm->copies) - 1,
		.flags = RM_SB_FORMATTING,
		.pending_pages = s->layout.pending_pages,
		.slots = s->layout.slots,
		.sectors = s->len,
	};
	memcpy(s->super.set_uuid, set_uuid, RM_UUID_SIZE);
	if (rm_is_zero(old.spare_uuid, RM_UUID_SIZE))
		generate_random_uuid(s->super.spare_uuid);
	else
		memcpy(s->super.spare_uuid, old.spare_uuid, RM_UUID_SIZE);
	for (mirror = 0; mirror < rm->copies && !r; mirror++)
		r = format_mirror(rm, s, mirror, buf);
	return r;
}

int rm_format(struct remap *rm)
{
	u8 set_uuid[RM_UUID_SIZE];
	u8 *buf = kmalloc(RM_LOAD_BYTES, GFP_KERNEL);
	unsigned int i;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	if (rm->spare[0].super.flags & RM_SB_FORMATTING)
		memcpy(set_uuid, rm->spare[0].super.set_uuid, RM_UUID_SIZE);
	else
		generate_random_uuid(set_uuid);
	rm->gen = 2;
	rm->set = (struct rm_set) { .gen = 1, .n = rm->n_devs };
	for (i = 0; i < rm->n_devs && !r; i++) {
		struct rm_spare *s = &rm->spare[i];

		r = rm_format_area(rm, s, set_uuid, buf);
		s->area = i;
		rm->set.area[i] = (struct rm_area) {
			.id = rm_uuid_id(s->super.spare_uuid),
			.sectors = s->len,
			.spare = i,
		};
	}
	/* the first write is preceded by a flush, so the pages are durable */
	for (i = 0; i < rm->n_devs && !r; i++)
		r = rm_super_write(rm, &rm->spare[i]);
	if (!r)
		r = write_signature(rm, buf);
	kfree(buf);
	for (i = rm->n_devs; i-- && !r; ) {
		rm->spare[i].super.flags = 0;
		r = rm_super_write(rm, &rm->spare[i]);
	}
	if (r) {
		DMERR("%s: cannot format the spare", dm_table_device_name(rm->ti->table));
		return r;
	}
	for (i = 0; i < rm->n_devs; i++) {
		rm->spare[i].blank = false;
		DMINFO("%s: spare %u formatted: %llu slots of %u sectors, %u metadata mirrors",
		       dm_table_device_name(rm->ti->table), i, rm->spare[i].layout.slots,
		       rm->block_size, rm->copies);
	}
	return 0;
}
