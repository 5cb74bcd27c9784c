// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sample: what is around known errors, then random blocks, for a limited
 * time.
 */
#include <linux/random.h>
#include <linux/sched/signal.h>

#include "scrub.h"

#define DEPTH		16
#define BYTES		(64 * 1024)
#define NEAR_NS		(5 * NSEC_PER_SEC)
#define ALL_NS		(24 * NSEC_PER_SEC)

struct run {
	struct remap *rm;
	struct rm_scrub *scrub;
	struct rm_reader *reader;
	struct rm_sample plan;
	struct rm_near near;
	struct rm_sample_result *res;
	bool nearby;		/* the first of the two passes */
	u64 until;		/* ns: of this pass */
	int error;
};

static bool over(const struct run *run)
{
	return run->error || ktime_get_ns() >= run->until;
}

static void count(struct run *run, u64 read, u64 found)
{
	if (run->nearby) {
		run->res->near_read += read;
		run->res->near_found += found;
	} else {
		run->res->read += read;
		run->res->found += found;
	}
}

/* Under rm->lock, as long as the target may be touched. */
static bool still_allowed(struct run *run)
{
	if (READ_ONCE(run->scrub->hold) || !run->rm->active || fatal_signal_pending(current))
		run->error = -EINTR;
	else if (rm_mode(run->rm) != REMAP_MODE_RW)
		run->error = -EIO;
	return !run->error;
}

/*
 * Blocks that could not be read along with others, or are in a special state.
 * @tried: the medium has failed a read of this one alone
 */
static void check(struct run *run, u64 first, u64 n, bool tried)
{
	struct remap *rm = run->rm;
	u64 block;

	for (block = first; block < first + n; block++) {
		enum rm_checked checked = RM_CHECK_LATER;

		if (over(run)) {
			/* there is no time for retries: what failed alone counts */
			if (tried && !run->error)
				count(run, 1, 1);
			return;
		}
		mutex_lock(&rm->lock);
		if (still_allowed(run))
			checked = rm_check_block(rm, block, tried);
		mutex_unlock(&rm->lock);
		if (run->error)
			return;
		if (checked == RM_CHECK_ERROR) {
			run->error = -EIO;
			return;
		}
		count(run, 1, checked != RM_CHECK_GOOD);
		if (checked == RM_CHECK_NEW)
			rm_near_error(&run->near, block);
	}
}

static void reap(struct run *run)
{
	struct rm_read *read = rm_reader_reap(run->reader);

	if (!read)
		return;
	if (!read->status)
		count(run, read->n, 0);
	else
		check(run, read->first, read->n, rm_read_alone_failed(read));
}

static u64 choose(struct run *run, u64 *first)
{
	if (run->nearby)
		return rm_near_take(&run->near, (BYTES >> SECTOR_SHIFT) >> run->rm->shift, first);
	return rm_sample_next(&run->plan, first);
}

static void one_pass(struct run *run, bool nearby, u64 until)
{
	struct remap *rm = run->rm;
	u64 first, max, n;
	u32 slot;

	run->nearby = nearby;
	run->until = until;
	while (!over(run) && (max = choose(run, &first))) {
		for (; max; first += n, max -= n) {
			enum rm_run kind;

			if (run->reader->busy == run->reader->depth)
				reap(run);
			mutex_lock(&rm->lock);
			if (!still_allowed(run)) {
				mutex_unlock(&rm->lock);
				break;
			}
			kind = rm_run_at(rm, first, max, &n, &slot);
			if (kind == RM_RUN_PLAIN)
				rm_reader_start(run->reader, first, n, slot, 0);
			mutex_unlock(&rm->lock);
			if (kind == RM_RUN_SPECIAL)
				check(run, first, n, false);
		}
		cond_resched();
	}
	while (run->reader->busy)
		reap(run);
}

/* Around what has failed so far, from anywhere on in case there is too much. */
static void known_errors(struct run *run)
{
	struct remap *rm = run->rm;
	u64 start = rm_mod64(get_random_u64(), rm->blocks), from;
	struct rm_entry e;
	unsigned int looked = 0;

	for (from = start; rm_entry_from(rm, from, &e) && looked++ < 65536; from = e.block + 1)
		if (e.state != REMAP_BLOCK_CLEAN && e.reason != REMAP_REASON_MANUAL)
			rm_near_error(&run->near, e.block);
	for (from = 0; rm_entry_from(rm, from, &e) && e.block < start && looked++ < 65536;
	     from = e.block + 1)
		if (e.state != REMAP_BLOCK_CLEAN && e.reason != REMAP_REASON_MANUAL)
			rm_near_error(&run->near, e.block);
}

static int do_sample(struct rm_scrub *s, u64 n, struct rm_sample_result *res)
{
	struct remap *rm = s->rm;
	u64 began = ktime_get_ns();
	struct run run = { .rm = rm, .scrub = s, .res = res };

	run.reader = rm_reader_new(rm, DEPTH, BYTES);
	if (!run.reader)
		return -ENOMEM;
	mutex_lock(&rm->lock);
	if (still_allowed(&run)) {
		rm_sample_init(&run.plan, rm->blocks, n, get_random_u64());
		rm_near_init(&run.near, rm->blocks, s->near.reach);
		known_errors(&run);
	}
	mutex_unlock(&rm->lock);
	one_pass(&run, true, began + NEAR_NS);
	one_pass(&run, false, began + ALL_NS);
	rm_reader_free(run.reader);
	res->ms = div_u64(ktime_get_ns() - began, NSEC_PER_MSEC);
	res->at = ktime_get_real_seconds();
	return run.error;
}

/* rm->lock is held when it is called and when it returns, not in between. */
int rm_scrub_sample(struct remap *rm, u64 n, char *result, unsigned int maxlen)
{
	struct rm_scrub *s = rm->scrub;
	struct rm_sample_result res = {};
	unsigned int sz = 0;
	int r = -EBUSY;

	mutex_unlock(&rm->lock);
	if (mutex_trylock(&s->sampling)) {
		WRITE_ONCE(s->sample_shown, true);
		r = do_sample(s, n, &res);
		WRITE_ONCE(s->sample_shown, false);
		mutex_unlock(&s->sampling);
	}
	mutex_lock(&rm->lock);
	if (r)
		return r;
	s->sample = res;
	if (s->state == REMAP_SCRUB_IDLE)
		s->state = REMAP_SCRUB_DONE;
	rm_event(rm);
	DMEMIT("ok read=%llu found=%llu near_read=%llu near_found=%llu bad_max_ppb=%llu ms=%llu",
	       res.read, res.found, res.near_read, res.near_found,
	       rm_bad_max_ppb(res.read, res.found), res.ms);
	return 1;
}
