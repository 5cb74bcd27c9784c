// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scrub: reads all of main, or the slots that stand for it, and lets what
 * cannot be read be known before someone needs it.
 */
#include <linux/slab.h>

#include "scrub.h"
#include "trace.h"

#define SAVE_NS		(30 * NSEC_PER_SEC)
#define SLICE_NS	(5 * NSEC_PER_SEC)
#define ERRORS_MAX	3
#define AFTER_ERROR_NS	NSEC_PER_SEC
#define AFTER_BURST_NS	(10 * NSEC_PER_SEC)

enum tag { AT_POS, NEARBY };

static u32 rate_of(const struct rm_scrub *s)
{
	return s->rate == RM_SCRUB_RATE_SET ? s->rm->table.scrub_rate : s->rate;
}

static void look_for_others(const struct remap *rm, u64 *ios, u64 *seq)
{
	*ios = rm_stat_sum(rm, RM_STAT_READS) + rm_stat_sum(rm, RM_STAT_WRITES);
	*seq = rm_stat_sum(rm, RM_STAT_SEQ);
}

static bool may_run(const struct rm_scrub *s)
{
	return s->state == REMAP_SCRUB_RUNNING && !READ_ONCE(s->hold) &&
	       rm_mode(s->rm) == REMAP_MODE_RW;
}

/* Lasting word of where the scrub is; a place read twice harms nobody. */
int rm_scrub_save(struct remap *rm)
{
	struct rm_super *sb = &rm_chief(rm)->super;
	struct rm_scrub *s = rm->scrub;

	s->saved = ktime_get_ns();
	if (sb->scrub_pos == s->pos && sb->scrub_state == s->state &&
	    sb->scrub_found == s->found && sb->scrub_rate == s->rate)
		return 0;
	sb->scrub_pos = s->pos;
	sb->scrub_found = s->found;
	sb->scrub_rate = s->rate;
	sb->scrub_state = s->state;
	return rm_super_write(rm, rm_chief(rm));
}

void rm_scrub_load(struct remap *rm)
{
	const struct rm_super *sb = &rm_chief(rm)->super;
	struct rm_scrub *s = rm->scrub;

	s->state = sb->scrub_state < REMAP_SCRUB_NR ? sb->scrub_state : REMAP_SCRUB_IDLE;
	s->pos = min(sb->scrub_pos, rm->blocks);
	s->next = s->pos;
	s->found = sb->scrub_found;
	s->rate = s->state == REMAP_SCRUB_IDLE ? RM_SCRUB_RATE_SET : sb->scrub_rate;
	rm_near_init(&s->near, rm->blocks,
		     (RM_SCRUB_NEAR_BYTES >> SECTOR_SHIFT) >> rm->shift);
}

/* From where it is, at its rate. */
static void set_out(struct rm_scrub *s)
{
	u64 ios, seq;

	look_for_others(s->rm, &ios, &seq);
	rm_pace_init(&s->pace, (u64)rate_of(s) << 10, ios, seq);
	s->errors = 0;
	s->began = ktime_get_ns();
	s->began_at = s->pos;
	s->saved = s->began;
}

void rm_scrub_kick(struct remap *rm)
{
	struct rm_scrub *s = rm->scrub;

	s->pace.rate = (u64)rate_of(s) << 10;
	if (may_run(s))
		mod_delayed_work(s->wq, &s->work, 0);
}

/* An error that is not the scrub's own find: what is around it is read first. */
void rm_scrub_error(struct remap *rm, u64 block)
{
	struct rm_scrub *s = rm->scrub;

	if (s->state == REMAP_SCRUB_RUNNING && !s->from_pos)
		rm_near_error(&s->near, block);
}

static void end(struct rm_scrub *s, enum remap_scrub_state state)
{
	struct remap *rm = s->rm;

	s->state = state;
	rm_scrub_save(rm);
	trace_dm_remap_scrub(rm_name(rm), state, s->pos, s->found);
	DMINFO("%s: scrub %s at block %llu of %llu, %llu found",
	       dm_table_device_name(rm->ti->table), remap_scrub_state_name(state), s->pos,
	       rm->blocks, s->found);
	rm_event(rm);
}

/* Back to @block: what is in flight behind it does not count. */
static void back_to(struct rm_scrub *s, u64 block, unsigned int tag)
{
	s->discard = true;
	if (tag == AT_POS && !s->anew)
		s->pos = block;
}

/* As rm_check_block() for the blocks of a run that could not be read as a whole. */
static void check_run(struct rm_scrub *s, u64 first, u64 n, bool tried, unsigned int tag,
		      u64 *wait)
{
	struct remap *rm = s->rm;
	u64 block;

	for (block = first; block < first + n; block++) {
		enum rm_checked checked;

		mutex_lock(&rm->lock);
		if (!may_run(s) || s->anew) {
			back_to(s, block, tag);
			mutex_unlock(&rm->lock);
			return;
		}
		s->from_pos = tag == AT_POS;
		checked = rm_check_block(rm, block, tried);
		s->from_pos = false;
		s->found += checked == RM_CHECK_NEW;
		if (checked == RM_CHECK_LATER || checked == RM_CHECK_ERROR) {
			back_to(s, block, tag);
			*wait = checked == RM_CHECK_LATER ? AFTER_BURST_NS : AFTER_ERROR_NS;
			if (checked == RM_CHECK_ERROR && ++s->errors == ERRORS_MAX)
				end(s, REMAP_SCRUB_FAILED);
			mutex_unlock(&rm->lock);
			return;
		}
		s->errors = 0;
		mutex_unlock(&rm->lock);
	}
	mutex_lock(&rm->lock);
	if (tag == AT_POS && !s->anew)
		s->pos = first + n;
	mutex_unlock(&rm->lock);
}

static void reap(struct rm_scrub *s, u64 *wait)
{
	struct remap *rm = s->rm;
	struct rm_read *read = rm_reader_reap(s->reader);

	if (!read || s->discard)
		return;
	mutex_lock(&rm->lock);
	rm_pace_read(&s->pace, ktime_get_ns(), read->bytes, read->took);
	if (!read->status && !s->anew) {
		s->errors = 0;
		if (read->tag == AT_POS)
			s->pos = read->first + read->n;
	}
	mutex_unlock(&rm->lock);
	if (read->status)
		check_run(s, read->first, read->n, rm_read_alone_failed(read), read->tag, wait);
}

static void drain(struct rm_scrub *s, u64 *wait)
{
	while (s->reader && s->reader->busy)
		reap(s, wait);
	s->discard = false;
	mutex_lock(&s->rm->lock);
	s->anew = false;
	s->next = s->pos;
	mutex_unlock(&s->rm->lock);
}

/* The next blocks to read: around errors first. */
static u64 choose(struct rm_scrub *s, u64 *first, unsigned int *tag)
{
	u64 max = (RM_SCRUB_BYTES >> SECTOR_SHIFT) >> s->rm->shift;
	u64 n = rm_near_take(&s->near, max, first);

	*tag = n ? NEARBY : AT_POS;
	if (n)
		return n;
	*first = s->next;
	return min(max, s->rm->blocks - s->next);
}

/*
 * Reads on until there is something to wait for; false when it is over.
 * rm->lock is held but for the reads themselves.
 */
static bool go_on(struct rm_scrub *s, u64 *wait)
{
	struct remap *rm = s->rm;
	struct rm_reader *r = s->reader;
	u64 now = ktime_get_ns(), ios, seq, first, n, max;
	unsigned int tag;
	u32 slot;

	if (!may_run(s))
		return false;
	if (s->anew) {
		s->discard = true;
		return true;
	}
	look_for_others(rm, &ios, &seq);
	*wait = rm_pace_wait(&s->pace, now, ios, seq);
	if (*wait)
		return true;
	if (r->busy == (rm_pace_alone(&s->pace, now) ? r->depth : 1)) {
		mutex_unlock(&rm->lock);
		reap(s, wait);
		mutex_lock(&rm->lock);
		return true;
	}
	max = choose(s, &first, &tag);
	if (!max && !r->busy) {
		end(s, REMAP_SCRUB_DONE);
		return false;
	}
	if (!max) {
		mutex_unlock(&rm->lock);
		reap(s, wait);
		mutex_lock(&rm->lock);
		return true;
	}
	while (max && !s->discard && !*wait) {
		enum rm_run run = rm_run_at(rm, first, max, &n, &slot);

		if (run == RM_RUN_PLAIN && r->busy < r->depth) {
			rm_reader_start(r, first, n, slot, tag);
		} else {
			mutex_unlock(&rm->lock);
			while (r->busy && (run == RM_RUN_SPECIAL || r->busy == r->depth))
				reap(s, wait);
			if (run == RM_RUN_SPECIAL && !s->discard)
				check_run(s, first, n, false, tag, wait);
			mutex_lock(&rm->lock);
			if (run == RM_RUN_PLAIN)
				continue;
		}
		first += n;
		max -= n;
		if (tag == AT_POS)
			s->next = first;
	}
	return true;
}

static void scrub_work(struct work_struct *work)
{
	struct rm_scrub *s = container_of(to_delayed_work(work), struct rm_scrub, work);
	struct remap *rm = s->rm;
	u64 wait = 0, began = ktime_get_ns();
	bool more = true;

	if (!s->reader)
		s->reader = rm_reader_new(rm, RM_SCRUB_DEPTH, RM_SCRUB_BYTES);
	if (!s->reader) {
		queue_delayed_work(s->wq, &s->work, HZ);
		return;
	}
	while (more && !wait && ktime_get_ns() - began < SLICE_NS) {
		mutex_lock(&rm->lock);
		more = go_on(s, &wait);
		mutex_unlock(&rm->lock);
		if (s->discard)
			drain(s, &wait);
		cond_resched();
	}
	drain(s, &wait);
	if (!more) {
		rm_reader_free(s->reader);
		s->reader = NULL;
		return;
	}
	mutex_lock(&rm->lock);
	if (may_run(s) && ktime_get_ns() - s->saved > SAVE_NS)
		rm_scrub_save(rm);
	mutex_unlock(&rm->lock);
	queue_delayed_work(s->wq, &s->work, wait ? nsecs_to_jiffies(wait) + 1 : 0);
}

int rm_scrub_start(struct remap *rm, u64 rate)
{
	struct rm_scrub *s = rm->scrub;

	s->rate = rate;
	if (s->state != REMAP_SCRUB_RUNNING) {
		if (s->state != REMAP_SCRUB_PAUSED && s->state != REMAP_SCRUB_FAILED) {
			s->pos = 0;
			s->found = 0;
		}
		s->anew = true;
		s->state = REMAP_SCRUB_RUNNING;
		s->next = s->pos;
		set_out(s);
	}
	trace_dm_remap_scrub(rm_name(rm), s->state, s->pos, s->found);
	rm_scrub_kick(rm);
	return rm_scrub_save(rm);
}

/* Stops or pauses; the worker sees it before its next read. */
int rm_scrub_end(struct remap *rm, enum remap_scrub_state state)
{
	struct rm_scrub *s = rm->scrub;

	if (s->state == REMAP_SCRUB_RUNNING || state == REMAP_SCRUB_IDLE)
		s->state = state;
	trace_dm_remap_scrub(rm_name(rm), s->state, s->pos, s->found);
	return rm_scrub_save(rm);
}

/* No read of the scrub's or a sample's is under way after this, and none begins. */
void rm_scrub_hold(struct remap *rm)
{
	struct rm_scrub *s = rm->scrub;

	WRITE_ONCE(s->hold, true);
	mutex_lock(&s->sampling);
	mutex_unlock(&s->sampling);
	cancel_delayed_work_sync(&s->work);
	rm_reader_free(s->reader);
	s->reader = NULL;
}

void rm_scrub_go_on(struct remap *rm)
{
	struct rm_scrub *s = rm->scrub;

	mutex_lock(&rm->lock);
	WRITE_ONCE(s->hold, false);
	set_out(s);
	rm_scrub_kick(rm);
	mutex_unlock(&rm->lock);
}

int rm_scrub_new(struct remap *rm)
{
	struct rm_scrub *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->rm = rm;
	s->hold = true;
	s->rate = RM_SCRUB_RATE_SET;
	mutex_init(&s->sampling);
	INIT_DELAYED_WORK(&s->work, scrub_work);
	rm->scrub = s;
	s->wq = alloc_workqueue("dm-remap-scrub", WQ_UNBOUND, 1);
	return s->wq ? 0 : -ENOMEM;
}

void rm_scrub_free(struct remap *rm)
{
	struct rm_scrub *s = rm->scrub;

	if (!s)
		return;
	if (s->wq) {
		rm_scrub_hold(rm);
		destroy_workqueue(s->wq);
	}
	kfree(s);
}
