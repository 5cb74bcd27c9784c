// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pace of a scrub.
 */
#include "pace.h"

#define SECOND		1000000000ULL
#define CATCH_UP_NS	100000000ULL	/* what a late reader may make up for */

void rm_pace_init(struct rm_pace *p, u64 rate, u64 ios, u64 seq)
{
	memset(p, 0, sizeof(*p));
	p->rate = rate;
	p->ios = ios;
	p->seq = seq;
}

bool rm_pace_alone(const struct rm_pace *p, u64 now)
{
	return !p->met || now - p->seen >= RM_PACE_GONE_NS;
}

u64 rm_pace_wait(struct rm_pace *p, u64 now, u64 ios, u64 seq)
{
	u64 wait = p->rate && p->due > now ? p->due - now : 0;

	if (ios != p->ios) {
		/* counters go down when they are reset */
		if (ios > p->ios && seq >= p->seq)
			p->stream = (seq - p->seq) * 2 > ios - p->ios;
		p->ios = ios;
		p->seq = seq;
		p->seen = now;
		p->met = true;
	}
	if (!rm_pace_alone(p, now) && p->rest > now) {
		u64 left = p->rest - now;

		if (left > RM_PACE_LOOK_NS)
			left = RM_PACE_LOOK_NS;
		if (left > wait)
			wait = left;
	}
	return wait;
}

void rm_pace_read(struct rm_pace *p, u64 now, u64 bytes, u64 took)
{
	u64 rest = took * RM_PACE_REST << (p->stream ? 1 : 0);

	if (rest > RM_PACE_REST_MAX_NS)
		rest = RM_PACE_REST_MAX_NS;
	p->rest = now + rest;
	if (!p->rate)
		return;
	if (p->due + CATCH_UP_NS < now)
		p->due = now - CATCH_UP_NS;
	p->due += rm_div64(bytes * SECOND, p->rate);
}
