// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the scrub says about itself.
 */
#include "scrub.h"

static bool held(const struct rm_scrub *s)
{
	return READ_ONCE(s->hold) || rm_mode(s->rm) != REMAP_MODE_RW;
}

static enum remap_scrub_state shown(const struct rm_scrub *s)
{
	enum remap_scrub_state state = READ_ONCE(s->state);

	if (state == REMAP_SCRUB_RUNNING)
		return held(s) ? REMAP_SCRUB_PAUSED : state;
	if (state != REMAP_SCRUB_PAUSED && READ_ONCE(s->sample_shown))
		return REMAP_SCRUB_RUNNING;
	return state;
}

static u64 rate_shown(const struct rm_scrub *s)
{
	u32 rate = READ_ONCE(s->rate);

	return rate == RM_SCRUB_RATE_SET ? s->rm->table.scrub_rate : rate;
}

void rm_scrub_status(const struct remap *rm, struct remap_status *st)
{
	const struct rm_scrub *s = rm->scrub;

	st->scrub_state = shown(s);
	st->scrub_pos = READ_ONCE(s->pos);
	st->scrub_total = rm->blocks;
	st->scrub_found = READ_ONCE(s->found);
	st->scrub_rate = rate_shown(s);
}

/* Blocks a second since it set out, and how long the rest takes at that. */
static unsigned int emit_eta(const struct rm_scrub *s, char *result, unsigned int maxlen,
			     unsigned int sz)
{
	u64 ms = div_u64(ktime_get_ns() - s->began, NSEC_PER_MSEC);
	u64 did = s->pos - s->began_at;

	if (s->state != REMAP_SCRUB_RUNNING || held(s) || s->pos <= s->began_at || !ms)
		return sz;
	DMEMIT(" kib_s=%llu eta_s=%llu",
	       mul_u64_u64_div_u64(did << s->rm->shift, 500, ms),
	       mul_u64_u64_div_u64(s->rm->blocks - s->pos, ms, did * 1000));
	return sz;
}

int rm_scrub_reply(struct remap *rm, char *result, unsigned int maxlen)
{
	const struct rm_scrub *s = rm->scrub;
	const struct rm_sample_result *sample = &s->sample;
	unsigned int sz = 0;

	DMEMIT("ok state=%s pos=%llu total=%llu found=%llu rate=%llu",
	       remap_scrub_state_name(shown(s)), s->pos, rm->blocks, s->found, rate_shown(s));
	sz = emit_eta(s, result, maxlen, sz);
	if (!sample->at)
		return 1;
	DMEMIT(" sample_read=%llu sample_found=%llu near_read=%llu near_found=%llu",
	       sample->read, sample->found, sample->near_read, sample->near_found);
	DMEMIT(" bad_max_ppb=%llu sample_ms=%llu sample_time=%llu",
	       rm_bad_max_ppb(sample->read, sample->found), sample->ms, sample->at);
	return 1;
}
