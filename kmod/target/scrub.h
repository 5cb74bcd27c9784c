/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scrub and the sample share.
 */
#ifndef RM_SCRUB_H
#define RM_SCRUB_H

#include "../core/near.h"
#include "../core/pace.h"
#include "../core/sample.h"
#include "reader.h"

#define RM_SCRUB_DEPTH		4
#define RM_SCRUB_BYTES		(256 * 1024)
#define RM_SCRUB_NEAR_BYTES	(1024 * 1024)	/* read on either side of an error */

struct rm_sample_result {
	u64 read;
	u64 found;
	u64 near_read;
	u64 near_found;
	u64 ms;
	u64 at;			/* Unix time of its end, 0: there was none */
};

struct rm_scrub {
	struct remap *rm;
	struct workqueue_struct *wq;
	struct delayed_work work;
	struct mutex sampling;	/* outside of rm->lock */
	bool hold;		/* suspended, or just about to be */
	bool sample_shown;	/* a sample is what the state is about */

	/* the worker's alone */
	struct rm_reader *reader;
	bool discard;		/* what is in flight is behind a place that needs another read */

	/* under rm->lock */
	enum remap_scrub_state state;
	u64 pos;		/* all in front of it has been read */
	u64 next;		/* in flight up to here */
	u64 found;
	u32 rate;		/* KiB/s, or RM_SCRUB_RATE_SET */
	bool anew;		/* what is in flight belongs to another run */
	unsigned int errors;	/* in a row that say nothing about a block */
	bool from_pos;		/* what is found now is at pos: no need to go back for it */
	struct rm_near near;
	struct rm_pace pace;
	u64 began;		/* ns */
	u64 began_at;		/* block */
	u64 saved;		/* ns */
	struct rm_sample_result sample;
};

#endif /* RM_SCRUB_H */
