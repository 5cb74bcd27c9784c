// SPDX-License-Identifier: GPL-2.0-only
/*
 * Constructor, destructor, suspend and resume.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dm-remap.h"

/* Whether it lies on some of the sectors of one before it. */
static bool spares_overlap(const struct remap *rm, const struct rm_spare *s)
{
	const struct rm_spare *o;

	for (o = rm->spare; o < s; o++)
		if (o->dev->bdev == s->dev->bdev && o->offset < s->offset + s->table_len &&
		    s->offset < o->offset + o->table_len)
			return true;
	return false;
}

static int get_devices(struct remap *rm, const struct remap_table *t)
{
	struct dm_target *ti = rm->ti;
	fmode_t mode = dm_table_get_mode(ti->table);
	unsigned int i;

	if (dm_get_device(ti, t->main_dev, mode, &rm->main)) {
		ti->error = "Cannot open the main device";
		return -ENODEV;
	}
	if (rm->data_offset + ti->len > bdev_nr_sectors(rm->main->bdev)) {
		ti->error = "The main device is too small for data_offset and length";
		return -EINVAL;
	}
	for (i = 0; i < t->n_spares; i++) {
		struct rm_spare *s = &rm->spare[i];

		s->index = i;
		spin_lock_init(&s->flush_lock);
		s->offset = t->spare[i].offset;
		s->len = t->spare[i].len;
		s->table_len = s->len;
		if (dm_get_device(ti, t->spare[i].dev, mode, &s->dev)) {
			ti->error = "Cannot open the spare device";
			return -ENODEV;
		}
		rm->n_devs = i + 1;
		rm->n_spares = i + 1;
		if (s->offset + s->len > bdev_nr_sectors(s->dev->bdev)) {
			ti->error = "The spare device is too small for offset and length";
			return -EINVAL;
		}
		if (s->dev->bdev == rm->main->bdev) {
			ti->error = "Main and spare are the same device";
			return -EINVAL;
		}
		if (spares_overlap(rm, s)) {
			ti->error = "Two spares overlap";
			return -EINVAL;
		}
		if (s->len < 2 * RM_SB_AREA_SECTORS) {
			ti->error = "The spare is too small";
			return -ENOSPC;
		}
	}
	return 0;
}

static int alloc_state(struct remap *rm)
{
	unsigned int i;

	rm->stats = alloc_percpu(struct rm_stats);
	rm->undo = kvmalloc_array(RM_UNDO_MAX, sizeof(*rm->undo), GFP_KERNEL);
	rm->release = kvmalloc_array(RM_UNDO_MAX, sizeof(*rm->release), GFP_KERNEL);
	rm->buf = kmalloc(REMAP_BLOCK_MAX << SECTOR_SHIFT, GFP_KERNEL);
	rm->check = kmalloc(REMAP_BLOCK_MAX << SECTOR_SHIFT, GFP_KERNEL);
	rm->super_buf = kmalloc(RM_PAGE_BYTES, GFP_KERNEL);
	rm->probe = kmalloc(RM_PAGE_BYTES, GFP_KERNEL);
	for (i = 0; i < ARRAY_SIZE(rm->views); i++)
		rm->views[i] = kmalloc(struct_size(rm->views[i], busy, RM_BATCH_BIOS), GFP_KERNEL);
	rm->pages = kmalloc(RM_LOAD_BYTES, GFP_KERNEL);
	rm->change = kmalloc_array(RM_CHANGES_MAX, sizeof(*rm->change), GFP_KERNEL);
	rm->wq = alloc_workqueue("dm-remap", WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	if (!rm->stats || !rm->undo || !rm->release || !rm->buf || !rm->check ||
	    !rm->super_buf || !rm->probe || !rm->views[0] || !rm->views[1] || !rm->pages ||
	    !rm->change || !rm->wq ||
	    bioset_init(&rm->bs, 16, 0, BIOSET_NEED_BVECS))
		return -ENOMEM;
	return rm_hist_new(rm) ?: rm_hot_new(rm) ?: rm_scrub_new(rm);
}

static void drop_state(struct remap *rm)
{
	rm_publish_free(rm);
	rm_entries_free(rm);
	mutex_lock(&rm->shape_lock);
	rm_pages_free(rm);
	rm->n_spares = rm->n_devs;
	mutex_unlock(&rm->shape_lock);
	rm->gen = 0;
	rm->loaded = false;
	rm->evacuating = false;
}

static void remap_dtr(struct dm_target *ti)
{
	struct remap *rm = ti->private;
	unsigned int i;

	rm_scrub_free(rm);
	if (rm->wq) {
		cancel_delayed_work_sync(&rm->commit_work);
		destroy_workqueue(rm->wq);
	}
	rm_hot_free(rm);
	rm_hist_free(rm);
	drop_state(rm);
	for (i = 0; i < rm->n_devs; i++) {
		rm_claim_forget(rm, &rm->spare[i]);
		dm_put_device(ti, rm->spare[i].dev);
	}
	if (rm->main)
		dm_put_device(ti, rm->main);
	cleanup_srcu_struct(&rm->srcu);
	bioset_exit(&rm->bs);
	kfree(rm->change);
	kfree(rm->pages);
	for (i = 0; i < ARRAY_SIZE(rm->views); i++)
		kfree(rm->views[i]);
	kfree(rm->probe);
	kfree(rm->super_buf);
	kfree(rm->check);
	kfree(rm->buf);
	kvfree(rm->release);
	kvfree(rm->undo);
	free_percpu(rm->stats);
	kfree(rm);
}

/* Everything from the spare; @write when it is this target's to repair. */
static int load(struct remap *rm, bool write, char **error)
{
	unsigned int i;
	int r;

	drop_state(rm);
	r = rm_supers_load(rm, error);
	if (!r)
		r = rm_layouts(rm, error);
	if (r)
		return r;
	*error = "Out of memory for the slot table";
	mutex_lock(&rm->shape_lock);
	r = rm_pages_alloc(rm);
	mutex_unlock(&rm->shape_lock);
	if (r)
		return r;
	if (rm->spare[0].blank) {
		*error = "The spare is blank all of a sudden";
		return write ? -EUCLEAN : 0;
	}
	/* while another target writes there, pages may change as they are read */
	for (i = 0; i < rm->n_devs; i++)
		if (!write && rm_claimed_by_other(rm, &rm->spare[i]))
			return 0;
	if (write && !rm->read_only)
		rm_areas_leave(rm);
	*error = "The metadata on the spare is damaged";
	r = rm_pages_load(rm, write && !rm->read_only);
	if (r)
		return r;
	if (rm->read_only)
		set_bit(REMAP_MODE_RO_MD, &rm->modes);
	if (rm_chief(rm)->super.flags & RM_SB_MAINT)
		set_bit(REMAP_MODE_MAINT, &rm->modes);
	else
		clear_bit(REMAP_MODE_MAINT, &rm->modes);
	rm_scrub_load(rm);
	return 0;
}

static int remap_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct remap *rm;
	const char *error;
	int r;

	rm = kzalloc(sizeof(*rm), GFP_KERNEL);
	if (!rm || init_srcu_struct(&rm->srcu)) {
		ti->error = "Out of memory";
		kfree(rm);
		return -ENOMEM;
	}
	rm->ti = ti;
	ti->private = rm;
	spin_lock_init(&rm->deferred_lock);
	mutex_init(&rm->lock);
	mutex_init(&rm->shape_lock);
	bio_list_init(&rm->deferred);
	bio_list_init(&rm->batch);
	INIT_WORK(&rm->work, rm_work);
	INIT_DELAYED_WORK(&rm->commit_work, rm_commit_work);
	xa_init(&rm->special);
	r = alloc_state(rm);
	if (r) {
		ti->error = "Out of memory";
		goto bad;
	}
	r = remap_table_parse_argv(argc, argv, &rm->table, &error);
	if (r) {
		ti->error = (char *)error;
		goto bad;
	}
	rm_hot_rate(rm);
	rm->data_offset = rm->table.data_offset;
	r = get_devices(rm, &rm->table);
	if (r)
		goto bad;
	rm->table.main_dev = NULL;

	mutex_lock(&rm->lock);
	r = load(rm, false, &ti->error);
	mutex_unlock(&rm->lock);
	if (r)
		goto bad;
	rm_hist_set(rm, rm->table.histogram == REMAP_ON);
	ti->error = NULL;
	ti->num_flush_bios = 1 + rm->n_devs;
	ti->num_discard_bios = 1;
	ti->num_write_zeroes_bios = 1;
	ti->num_secure_erase_bios = 1;
	ti->discards_supported = bdev_max_discard_sectors(rm->main->bdev) > 0;
	ti->per_io_data_size = sizeof(struct rm_io);
	return 0;
bad:
	DMERR("%s: refused: %s", dm_table_device_name(ti->table), ti->error);
	remap_dtr(ti);
	return r;
}

static DEFINE_MUTEX(format_lock);

static int claim(struct remap *rm, bool *moved)
{
	unsigned int i;

	for (i = 0; i < rm->n_devs; i++) {
		bool m = false;
		int r = 0;

		if (rm->spare[i].area < rm->set.n)
			r = rm_claim_take(rm, &rm->spare[i], &m);
		else if (rm_claim_overlaps(rm, &rm->spare[i]))
			r = -EBUSY;
		if (r) {
			while (i--)
				rm_claim_release(rm, &rm->spare[i]);
			return r;
		}
		*moved |= m;
	}
	return 0;
}

/* The set, with what the table gives it anew. */
static int load_and_grow(struct remap *rm, char **error)
{
	bool grows = false, moved = false;
	unsigned int i;
	int r = load(rm, true, error);

	for (i = 0; i < rm->n_devs && !r; i++)
		grows |= rm_grows(rm, &rm->spare[i]);
	if (r || !grows)
		return r;
	*error = "A set cannot grow by a table that is read-only";
	if (rm->read_only)
		return -EROFS;
	r = rm_grow(rm, error);
	if (!r)
		r = load(rm, true, error);
	return r ?: claim(rm, &moved);
}

static int claim_and_load(struct remap *rm, char **error)
{
	bool moved = false;
	unsigned int i;
	int r = claim(rm, &moved);

	if (r || (rm->loaded && !moved))
		return r;
	r = load_and_grow(rm, error);
	rm->loaded = !r;
	for (i = 0; r && i < rm->n_devs; i++)
		rm_claim_release(rm, &rm->spare[i]);
	return r;
}

/* Blank when the table was loaded?  Look again, then format. */
static int format_if_blank(struct remap *rm, char **error)
{
	unsigned int i;
	int r;

	if (!rm->spare[0].blank)
		return 0;
	r = load(rm, false, error);
	if (r || !rm->spare[0].blank)
		return r;
	*error = "A blank spare cannot be formatted by a table that is read-only";
	if (rm->read_only)
		return -EROFS;
	for (i = 0; i < rm->n_devs; i++)
		if (rm_claim_overlaps(rm, &rm->spare[i]))
			return -EBUSY;
	*error = "The spare cannot be formatted";
	return rm_format(rm);
}

static int format_claim_and_load(struct remap *rm, char **error)
{
	int r;

	/* so that nobody else formats what is not claimed yet */
	mutex_lock(&format_lock);
	r = format_if_blank(rm, error);
	if (!r)
		r = claim_and_load(rm, error);
	mutex_unlock(&format_lock);
	return r;
}

/*
 * May fail, and then the device stays suspended.  What the spare holds is
 * read again unless this target was the last one to have it.
 */
static int remap_preresume(struct dm_target *ti)
{
	struct remap *rm = ti->private;
	/* memory must not be sought by writing to a suspended device */
	unsigned int noio = memalloc_noio_save();
	char *error = NULL;
	int r;

	mutex_lock(&rm->lock);
	r = rm->active ? 0 : format_claim_and_load(rm, &error);
	if (rm->active)
		goto out;
	if (r) {
		DMERR("%s: cannot resume: %s", dm_table_device_name(ti->table),
		      r == -EBUSY ? "the spare belongs to another active target" :
		      error ?: "no memory");
		goto out;
	}
	rm_commit(rm);
	rm_publish(rm, NULL, 0, false);
	rm_watermarks(rm);
	rm->active = true;
	if (rm->news) {
		rm->news = false;
		rm_event(rm);
	}
out:
	mutex_unlock(&rm->lock);
	memalloc_noio_restore(noio);
	return r;
}

/* I/O is still coming; the target's own must not any more. */
static void remap_presuspend(struct dm_target *ti)
{
	rm_scrub_hold(ti->private);
}

static void remap_presuspend_undo(struct dm_target *ti)
{
	rm_scrub_go_on(ti->private);
}

static void remap_resume(struct dm_target *ti)
{
	rm_scrub_go_on(ti->private);
}

/* No I/O is under way any more. */
static void remap_postsuspend(struct dm_target *ti)
{
	struct remap *rm = ti->private;
	unsigned int i;

	flush_workqueue(rm->wq);
	cancel_delayed_work_sync(&rm->commit_work);
	mutex_lock(&rm->lock);
	if (rm->active && rm_mode(rm) <= REMAP_MODE_MAINT)
		rm_record_wear(rm);
	/* the second one is for what the first has released */
	rm_commit_or_undo(rm);
	rm_commit_or_undo(rm);
	if (rm->active && rm_mode(rm) <= REMAP_MODE_MAINT)
		rm_scrub_save(rm);
	rm->active = false;
	for (i = 0; i < rm->n_devs; i++)
		rm_claim_release(rm, &rm->spare[i]);
	mutex_unlock(&rm->lock);
	cancel_delayed_work_sync(&rm->commit_work);
}

static int remap_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				 void *data)
{
	struct remap *rm = ti->private;
	unsigned int i;
	int r = fn(ti, rm->main, rm->data_offset, ti->len, data);

	for (i = 0; i < rm->n_devs && !r; i++)
		r = fn(ti, rm->spare[i].dev, rm->spare[i].offset, rm->spare[i].table_len, data);
	return r;
}

static struct target_type remap_target = {
	.name = REMAP_TARGET_NAME,
	.version = {1, 0, 0},
	.module = THIS_MODULE,
	.ctr = remap_ctr,
	.dtr = remap_dtr,
	.map = remap_map,
	.end_io = remap_end_io,
	.preresume = remap_preresume,
	.presuspend = remap_presuspend,
	.presuspend_undo = remap_presuspend_undo,
	.postsuspend = remap_postsuspend,
	.resume = remap_resume,
	.status = remap_status,
	.message = remap_message,
	.iterate_devices = remap_iterate_devices,
};

static int __init remap_init(void)
{
	int r = dm_register_target(&remap_target);

	if (r)
		DMERR("cannot register the target: %d", r);
	return r;
}

static void __exit remap_exit(void)
{
	dm_unregister_target(&remap_target);
}

module_init(remap_init);
module_exit(remap_exit);

MODULE_DESCRIPTION(DM_NAME " target that remaps bad blocks to spare ones");
MODULE_AUTHOR("Remapfleet");
MODULE_LICENSE("GPL");
