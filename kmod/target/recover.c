// SPDX-License-Identifier: GPL-2.0-only
/*
 * Back to rw, on an operator's word, if spare and metadata are in order.
 */
#include <linux/slab.h>

#include "dm-remap.h"

/* Whether the spare that was there when the target started is there. */
static bool is_there(struct remap *rm, struct rm_spare *s, void *buf)
{
	unsigned int end, copy;
	struct rm_super sb;

	for (end = 0; end < 2; end++) {
		for (copy = 0; copy < 2; copy++) {
			u64 at = rm_layout_super(&s->layout, end, copy);

			if (!rm_io(rm, s->dev->bdev, REQ_OP_READ, s->offset + at, buf,
				   RM_PAGE_BYTES) &&
			    rm_super_decode(buf, &sb) == RM_SUPER_OK &&
			    !memcmp(sb.spare_uuid, s->super.spare_uuid, RM_UUID_SIZE))
				return true;
		}
	}
	return false;
}

/* All is durable now: nothing on the spare contradicts memory any more. */
static void drop_taints(struct remap *rm)
{
	struct rm_entry *e;
	unsigned long block;

	xa_for_each(&rm->special, block, e) {
		if (!(e->flags & RM_ENTRY_TAINT))
			continue;
		e->flags &= ~RM_ENTRY_TAINT;
		rm_entry_put(rm, e);
	}
}

int rm_recover(struct remap *rm)
{
	bool ro_md = rm_mode_is(rm, REMAP_MODE_RO_MD);
	bool no_spare = rm_mode_is(rm, REMAP_MODE_NO_SPARE);
	void *buf = (void *)__get_free_page(GFP_NOIO);
	unsigned int i;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	if (rm->read_only) {
		free_page((unsigned long)buf);
		return -EROFS;
	}
	for (i = 0; i < rm->n_spares && !r; i++) {
		if (rm->spare[i].retired || is_there(rm, &rm->spare[i], buf))
			continue;
		DMERR("%s: recover: spare %u is not there", dm_table_device_name(rm->ti->table),
		      rm->spare[i].index);
		r = -EIO;
	}
	free_page((unsigned long)buf);
	if (r)
		return r;

	clear_bit(REMAP_MODE_RO_MD, &rm->modes);
	clear_bit(REMAP_MODE_NO_SPARE, &rm->modes);
	for (i = 0; i < rm->n_spares; i++)
		WRITE_ONCE(rm->spare[i].gone, rm->spare[i].retired);
	r = rm_mirrors_rewrite(rm);
	if (r) {
		if (ro_md)
			set_bit(REMAP_MODE_RO_MD, &rm->modes);
		if (no_spare)
			set_bit(REMAP_MODE_NO_SPARE, &rm->modes);
		return r;
	}
	drop_taints(rm);
	rm_publish(rm, NULL, 0, true);
	if (ro_md || no_spare) {
		DMINFO("%s: recovered, mode %s", dm_table_device_name(rm->ti->table),
		       remap_mode_name(rm_mode(rm)));
		rm_event(rm);
	}
	return 0;
}
