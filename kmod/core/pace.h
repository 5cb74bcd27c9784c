/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast a scrub may go: by a rate, and by what others do meanwhile.
 *
 * While others use the device it reads once and then rests RM_PACE_REST times
 * as long as that took, so that less than one in a hundred of their I/Os can
 * meet it, whatever the device; twice as long where they read in sequence, for
 * that is what a foreign read disturbs most.  They are gone when nothing has
 * come for a second.
 */
#ifndef REMAP_PACE_H
#define REMAP_PACE_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_PACE_REST	128
#define RM_PACE_GONE_NS	1000000000ULL
#define RM_PACE_LOOK_NS	20000000ULL	/* how often to look for them while at rest */
#define RM_PACE_REST_MAX_NS 5000000000ULL

struct rm_pace {
	u64 rate;	/* bytes a second, 0: no limit */
	u64 due;	/* ns: the rate allows the next read */
	u64 rest;	/* ns: the end of the rest that the last read asks for */
	u64 ios;	/* those of others when last looked at, and how many */
	u64 seq;	/* of them were in sequence */
	u64 seen;	/* ns: when the last of them was seen */
	bool met;	/* there has been one */
	bool stream;	/* the last ones were in sequence */
};

void rm_pace_init(struct rm_pace *p, u64 rate, u64 ios, u64 seq);
/* How many ns to wait before the next read, 0 for none. */
u64 rm_pace_wait(struct rm_pace *p, u64 now, u64 ios, u64 seq);
/* A read of @bytes has taken @took ns. */
void rm_pace_read(struct rm_pace *p, u64 now, u64 bytes, u64 took);
bool rm_pace_alone(const struct rm_pace *p, u64 now);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_PACE_H */
