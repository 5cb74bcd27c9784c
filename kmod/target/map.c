// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of every bio: to main unless the view says otherwise.
 */
#include "dm-remap.h"
#include "trace.h"

/*
 * Held from map() to end_io, elsewhere than it was taken, so not by the checked
 * wrappers: whoever changes the view can wait for all I/O that it sent.
 */
static int hold_view(struct remap *rm)
{
	int index = __srcu_read_lock(&rm->srcu);

	__release(&rm->srcu);
	return index;
}

static void let_go_of_view(struct remap *rm, int index)
{
	__acquire(&rm->srcu);
	__srcu_read_unlock(&rm->srcu, index);
}

static __always_inline int to_main(struct remap *rm, struct bio *bio, struct rm_io *io,
				   sector_t off)
{
	io->where = RM_AT_MAIN;
	io->iter = bio->bi_iter;
	io->iter.bi_sector = off;
	bio_set_dev(bio, rm->main->bdev);
	bio->bi_iter.bi_sector = rm->data_offset + off;
	rm_count(rm, RM_STAT_FAST);
	return DM_MAPIO_REMAPPED;
}

static int to_worker(struct remap *rm, struct bio *bio, struct rm_io *io)
{
	let_go_of_view(rm, io->srcu);
	io->where = RM_AT_NONE;
	io->iter = bio->bi_iter;
	io->iter.bi_sector = dm_target_offset(rm->ti, bio->bi_iter.bi_sector);
	rm_count(rm, RM_STAT_SLOW);
	rm_defer(rm, bio, false);
	return DM_MAPIO_SUBMITTED;
}

/* To the slots of @run, whose first block is the bio's; it is cut to fit. */
static int to_slots(struct remap *rm, struct bio *bio, struct rm_io *io,
		    const struct rm_extent *run, sector_t off)
{
	struct rm_spare *s = rm_spare_of(rm, run->slot);
	sector_t in = off - (run->block << rm->shift);
	u64 count = min_t(u64, run->count, s->slot_base + s->layout.slots - run->slot);
	u32 slot = run->slot, last;

	if ((count << rm->shift) - in < bio_sectors(bio))
		dm_accept_partial_bio(bio, (count << rm->shift) - in);
	io->where = RM_AT_SPARE;
	io->spare = s->index;
	io->iter = bio->bi_iter;
	io->iter.bi_sector = off;
	bio_set_dev(bio, s->dev->bdev);
	bio->bi_iter.bi_sector = rm_slot_sector(rm, s, slot) + in;
	rm_count(rm, RM_STAT_FAST);
	if (bio_data_dir(bio) == WRITE) {
		last = slot + ((in + bio_sectors(bio) - 1) >> rm->shift);
		for (; slot <= last; slot++)
			rm_wear(rm, s, slot);
		rm_count(rm, RM_STAT_REMAPPED_WRITES);
	} else {
		rm_count(rm, RM_STAT_REMAPPED_READS);
	}
	return DM_MAPIO_REMAPPED;
}

/*
 * Flush number 0 is main's, the others are the spares'.  Once a spare is gone,
 * a flush of it is good only if all that was written there is known durable;
 * one has to fail even if it is back by then.
 */
static int map_flush(struct remap *rm, struct bio *bio, struct rm_io *io)
{
	unsigned int nr = dm_bio_get_target_bio_nr(bio);
	struct rm_spare *s;
	bool told;

	io->where = RM_AT_NONE;
	if (!nr) {
		bio_set_dev(bio, rm->main->bdev);
		return DM_MAPIO_REMAPPED;
	}
	s = &rm->spare[nr - 1];
	io->spare = s->index;
	io->iter.bi_size = 0;
	io->carries = rm_flush_begin(s);
	told = rm_flush_tell(s);
	if (READ_ONCE(s->gone) || told) {
		rm_flush_end(s, io->carries, false);
		bio->bi_status = io->carries ? BLK_STS_IOERR : BLK_STS_OK;
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	io->where = RM_AT_FLUSH;
	bio_set_dev(bio, s->dev->bdev);
	return DM_MAPIO_REMAPPED;
}

static int refuse(struct remap *rm, struct rm_io *io)
{
	let_go_of_view(rm, io->srcu);
	io->where = RM_AT_NONE;
	return DM_MAPIO_KILL;
}

static bool is_busy(const struct rm_view *view, u64 first, u64 last)
{
	unsigned int i;

	for (i = 0; i < view->n_busy; i++)
		if (first <= view->busy[i].last && last >= view->busy[i].first)
			return true;
	return view->all_busy;
}

/* As rm_map_lookup(); single blocks are mostly in this CPU's cache. */
static bool look_up(struct remap *rm, const struct rm_view *view, u64 first, u64 last,
		    struct rm_extent *run)
{
	const struct rm_cache *cache = view->cache;
	bool found, cached;

	if (!view->map || !rm_map_may_hold(view->map, first, last))
		return false;
	if (first != last || !cache)
		return rm_map_find(view->map, first, last, last - first + 1, run);
	found = rm_map_find_cached(view->map, cache->set[get_cpu()], cache->bits, first, run,
				   &cached);
	put_cpu();
	if (found && run->slot != RM_SPECIAL)
		rm_count(rm, cached ? RM_STAT_CACHE_HITS : RM_STAT_CACHE_MISSES);
	return found;
}

/* Out of line: what it needs of the stack is not to cost those who do not come here. */
static noinline int map_by_view(struct remap *rm, struct bio *bio, struct rm_io *io,
				const struct rm_view *view, sector_t off)
{
	u64 first = off >> rm->shift;
	u64 last = (off + bio_sectors(bio) - 1) >> rm->shift;
	struct rm_extent run;
	sector_t end;

	if (view->fail || (view->read_only && op_is_write(bio_op(bio))))
		return refuse(rm, io);
	if (is_busy(view, first, last))
		return to_worker(rm, bio, io);
	if (!look_up(rm, view, first, last, &run))
		return to_main(rm, bio, io, off);

	/* only plain reads and writes may be taken in part */
	if (bio_op(bio) != REQ_OP_READ && bio_op(bio) != REQ_OP_WRITE)
		return to_worker(rm, bio, io);
	if (run.block > first) {
		dm_accept_partial_bio(bio, (run.block << rm->shift) - off);
		return to_main(rm, bio, io, off);
	}
	if (run.slot != RM_SPECIAL)
		return to_slots(rm, bio, io, &run, off);
	end = (run.block + run.count) << rm->shift;
	if (end - off < bio_sectors(bio))
		dm_accept_partial_bio(bio, end - off);
	return to_worker(rm, bio, io);
}

/*
 * Moving to another CPU in the middle of it costs a sample or a stream at most;
 * who takes until_sample to 0 sets it anew, so that it is never 0 for long.
 */
static __always_inline void notice(struct remap *rm, const struct bio *bio, sector_t off)
{
	struct rm_stats __percpu *stats = rm->stats;
	struct rm_stats *st = raw_cpu_ptr(stats);

	this_cpu_inc(stats->count[op_is_write(bio_op(bio)) ? RM_STAT_WRITES : RM_STAT_READS]);
	this_cpu_inc(stats->count[rm_streams_go_on(&st->streams, off, bio_sectors(bio)) ?
				  RM_STAT_SEQ : RM_STAT_RANDOM]);
	if (unlikely(!--st->until_sample))
		rm_hot_sample(rm, off);
}

int remap_map(struct dm_target *ti, struct bio *bio)
{
	struct remap *rm = ti->private;
	struct rm_io *io = rm_io_of(bio);
	const struct rm_view *view;
	sector_t off;

	io->start = 0;
	if (unlikely(bio->bi_opf & REQ_PREFLUSH))
		return map_flush(rm, bio, io);

	off = dm_target_offset(ti, bio->bi_iter.bi_sector);
	notice(rm, bio, off);
	if (static_branch_unlikely(&rm_hist_key))
		rm_hist_begin(rm, io);

	io->srcu = hold_view(rm);
	view = rcu_dereference_check(rm->view, true);
	if (likely(!view) || unlikely(!bio_sectors(bio)))
		return to_main(rm, bio, io, off);
	return map_by_view(rm, bio, io, view, off);
}

static noinline int take_back(struct remap *rm, struct bio *bio, struct rm_io *io,
			      blk_status_t *error)
{
	u8 where = io->where;

	if (where == RM_AT_NONE)
		return DM_ENDIO_DONE;
	io->where = RM_AT_NONE;
	if (where == RM_AT_FLUSH) {
		rm_flush_end(&rm->spare[io->spare], io->carries, !*error);
		if (!*error)
			return DM_ENDIO_DONE;
		/* the worker finds out whether the spare is gone */
		io->status = *error;
		rm_defer(rm, bio, false);
		return DM_ENDIO_INCOMPLETE;
	}
	if (where == RM_AT_SPARE && !*error && op_is_write(bio_op(bio)) &&
	    !(bio->bi_opf & REQ_FUA))
		rm_wrote(&rm->spare[io->spare]);
	let_go_of_view(rm, io->srcu);
	if (likely(!*error))
		return DM_ENDIO_DONE;

	WRITE_ONCE(rm->last_error, ktime_get_real_seconds());
	trace_dm_remap_io_error(rm_name(rm), io->iter.bi_sector,
				(__force unsigned int)bio_op(bio),
				blk_status_to_errno(*error), rm_class(*error));
	if (where == RM_AT_MAIN && rm_class(*error) != RM_ERR_MEDIUM) {
		rm_count(rm, RM_STAT_NONMEDIA_ERRORS);
		return DM_ENDIO_DONE;
	}
	if (where == RM_AT_MAIN && rm_mode_is(rm, REMAP_MODE_MAINT))
		return DM_ENDIO_DONE;
	if ((bio->bi_opf & REQ_RAHEAD) || !rm_may_take_over(bio))
		return DM_ENDIO_DONE;

	io->status = *error;
	rm_count(rm, RM_STAT_SLOW);
	rm_defer(rm, bio, true);
	return DM_ENDIO_INCOMPLETE;
}

static __always_inline int end_io(struct remap *rm, struct bio *bio, struct rm_io *io,
				  blk_status_t *error)
{
	if (unlikely(io->where != RM_AT_MAIN || *error))
		return take_back(rm, bio, io, error);
	let_go_of_view(rm, io->srcu);
	return DM_ENDIO_DONE;
}

static noinline int timed_end_io(struct remap *rm, struct bio *bio, struct rm_io *io,
				 blk_status_t *error)
{
	u8 where = io->where;
	int r = end_io(rm, bio, io, error);

	if (io->start && r == DM_ENDIO_DONE)
		rm_hist_end(rm, bio, io, where);
	return r;
}

int remap_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	struct remap *rm = ti->private;
	struct rm_io *io = rm_io_of(bio);

	if (static_branch_unlikely(&rm_hist_key))
		return timed_end_io(rm, bio, io, error);
	return end_io(rm, bio, io, error);
}
