/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an I/O error says about: the medium, the device being gone, or neither.
 */
#ifndef REMAP_ERRCLASS_H
#define REMAP_ERRCLASS_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rm_err_class {
	RM_ERR_NONE,
	RM_ERR_MEDIUM,	/* this place cannot be read or written */
	RM_ERR_GONE,	/* the device or the way to it is gone */
	RM_ERR_OTHER,	/* says nothing about the place */
};

/* @err: a block status as a negative errno, as blk_status_to_errno() does */
enum rm_err_class rm_err_classify(int err);

/* Counts events in a sliding minute. */
struct rm_burst {
	u64 second[61];	/* the one that is under way and 60 whole ones */
	u32 count[61];
};

/* Whether one more event at @now (seconds) keeps within @limit; counts it. */
bool rm_burst_allow(struct rm_burst *b, u64 now, u64 limit);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_ERRCLASS_H */
