/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads whose data nobody wants, several at a time.
 */
#ifndef RM_READER_H
#define RM_READER_H

#include "dm-remap.h"

struct rm_read {
	struct completion done;
	u64 first;		/* blocks */
	u64 n;
	u32 slot;		/* of the first block, or RM_NO_SLOT: main */
	unsigned int tag;	/* the reader's user's */
	unsigned int bytes;
	u64 start;		/* ns */
	u64 took;
	blk_status_t status;
	struct page **page;
};

/* The medium has failed a block that was read alone: reading it again is a retry. */
static inline bool rm_read_alone_failed(const struct rm_read *read)
{
	return read->n == 1 && read->slot == RM_NO_SLOT && rm_class(read->status) == RM_ERR_MEDIUM;
}

struct rm_reader {
	struct remap *rm;
	unsigned int depth;
	unsigned int bytes;	/* of the largest read */
	unsigned int oldest;
	unsigned int busy;	/* in flight, from the oldest on */
	struct page **pages;
	struct rm_read read[];
};

struct rm_reader *rm_reader_new(struct remap *rm, unsigned int depth, unsigned int bytes);
void rm_reader_free(struct rm_reader *r);

/* Where a run of blocks is; all but PLAIN have to be looked at one by one. */
enum rm_run { RM_RUN_PLAIN, RM_RUN_SPECIAL };

/* What is to be read for @first: at most @max blocks, @n of them alike. */
enum rm_run rm_run_at(struct remap *rm, u64 first, u64 max, u64 *n, u32 *slot);
/* Starts a read; there has to be room for one more. */
void rm_reader_start(struct rm_reader *r, u64 first, u64 n, u32 slot, unsigned int tag);
/* Waits for the oldest read; NULL when there is none.  Valid until the next start. */
struct rm_read *rm_reader_reap(struct rm_reader *r);

#endif /* RM_READER_H */
