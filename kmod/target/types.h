/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device-mapper target "remap": what its state is made of.
 */
#ifndef DM_REMAP_TYPES_H
#define DM_REMAP_TYPES_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/jump_label.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../core/errclass.h"
#include "../core/format.h"
#include "../core/hist.h"
#include "../core/map.h"
#include "../core/slots.h"
#include "../core/streams.h"
#include "../core/vmask.h"
#include "../uapi/remap_status.h"

#define DM_MSG_PREFIX "remap"

#define RM_BATCH_BIOS	64
#define RM_UNDO_MAX	256
#define RM_SLOT_TRIES	8
#define RM_PENDING_DELAY	(HZ / 2)	/* pending blocks are durable within 1 s */
#define RM_LOAD_BYTES	65536
#define RM_LOAD_PAGES	(RM_LOAD_BYTES / RM_PAGE_BYTES)
#define RM_CHANGES_MAX	256
#define RM_SAMPLES	64		/* of I/O, on each CPU */
#define RM_NO_BLOCK	(~(u64)0)
#define RM_LIST_LINE	192		/* the longest line of a list, and the last one behind it */

/* Per-CPU counters; all are cleared by "stats reset". */
enum rm_stat {
	RM_STAT_READS,
	RM_STAT_WRITES,
	RM_STAT_REMAPPED_READS,
	RM_STAT_REMAPPED_WRITES,
	RM_STAT_FAST,
	RM_STAT_SLOW,
	RM_STAT_SEQ,
	RM_STAT_RANDOM,
	RM_STAT_CACHE_HITS,
	RM_STAT_CACHE_MISSES,
	RM_STAT_REHABILITATED,
	RM_STAT_SALVAGED,
	RM_STAT_AUTO_REMAPS,
	RM_STAT_MANUAL_REMAPS,
	RM_STAT_PREDICTED_REMAPS,
	RM_STAT_READ_ERRORS,
	RM_STAT_WRITE_ERRORS,
	RM_STAT_NONMEDIA_ERRORS,
	RM_STAT_RETRIES_OK,
	RM_STAT_COMMITS,
	RM_STAT_COMMIT_FAIL,
	RM_STAT_NR
};

struct rm_stats {
	u64 count[RM_STAT_NR];
	struct rm_streams streams;
	u32 until_sample;
	u32 samples;
	u32 random;
	u64 sample[RM_SAMPLES];	/* block + 1; 0: none */
};

/*
 * A piece of a spare with a format of its own: what the spare was formatted as,
 * or what it grew by.  The first ones stand in the order of the table, and for
 * the device too.
 */
struct rm_spare {
	struct dm_dev *dev;
	sector_t offset;
	sector_t len;
	sector_t table_len;	/* first ones: of all of them, as the table says */
	unsigned int index;	/* of the spare in the table */
	u32 area;		/* number in rm->set, or RM_AREAS_MAX: not yet in it */
	bool retired;		/* holds nothing and takes nothing */
	struct rm_super super;
	u8 super_copy;		/* written last */
	bool blank;
	struct rm_layout layout;
	u32 slot_base;
	u32 pending_base;
	u32 n_pages;		/* slot pages, then pending pages */
	unsigned long *dirty;	/* pages that have changed */
	unsigned long *copy;	/* pages whose copy B holds what is durable */
	unsigned long *worn;	/* pages with slots written since their records were */
	bool flush_next;	/* the next metadata write carries a preflush */
	bool gone;		/* does not answer: the mode is no_spare */
	bool unflushed;		/* slots were written since the last flush began */
	unsigned int flushing;	/* flushes under way that had something to flush */
	bool doubtful;		/* it was gone meanwhile, and no flush has failed for it */
	bool holds_nothing;	/* retired: no flush of it can lose anything */
	spinlock_t flush_lock;	/* of flushing, doubtful and holds_nothing */
	struct rm_claim *claim;
};

#define RM_ENTRY_DIRTY	1	/* changed since the last commit */
#define RM_ENTRY_TAINT	2	/* the spare may say otherwise: writes are refused */

/*
 * A block that is not clean.  Only those that are more than remapped, and those
 * that have changed since the map was, are kept like this, in remap->special;
 * all others are put together from the map and their slot.
 */
struct rm_entry {
	u64 block;
	u64 mask;		/* remapped, lost: sectors that may be read */
	u32 slot;
	u32 pending;		/* place in the pending pages, or RM_NO_SLOT */
	u32 time;
	u16 errors;
	u8 state;		/* enum remap_block_state */
	u8 reason;
	u8 flags;
};

/* In remap->special: the map does not know yet. */
#define RM_CHANGED	XA_MARK_0

/* A slot left for another: its record stays until that one's is durable. */
struct rm_release {
	u64 mask;
	u32 slot;
	u8 state;
	u8 next;	/* what it is once the block's new record is durable */
};

struct rm_range {
	u64 first;
	u64 last;
};

/* What was looked up last; each CPU's is used with preemption off. */
struct rm_cache {
	unsigned int bits;
	struct rm_cache_set *set[];	/* by CPU; NULL for those that cannot be */
};

/* What map() looks at; NULL while every block is clean and none is busy. */
struct rm_view {
	const struct rm_map *map;
	const struct rm_cache *cache;	/* NULL: there was no memory */
	bool all_busy;
	bool fail;		/* mode fail: no I/O at all */
	bool read_only;
	unsigned int n_busy;
	struct rm_range busy[];
};

struct remap {
	struct dm_target *ti;
	struct dm_dev *main;
	sector_t data_offset;
	unsigned int shift;		/* block = sector >> shift */
	unsigned int block_size;
	unsigned int unit;		/* sectors I/O comes in: the largest logical block */
	u64 blocks;
	struct rm_view __rcu *view;
	struct srcu_struct srcu;	/* held by every bio that map() sent on */
	struct rm_stats __percpu *stats;
	bool hist_on;
	struct rm_hist __percpu *hist;

	struct remap_table table;	/* with the settings; no device names */
	unsigned int n_devs;		/* spares as the table has them */
	unsigned int n_spares;		/* and what they grew by */
	struct rm_spare spare[RM_AREAS_MAX];
	struct rm_set set;
	bool evacuating;		/* a spare is closed; the lock may be free meanwhile */

	spinlock_t deferred_lock;	/* of deferred */
	struct bio_list deferred;
	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work commit_work;
	struct bio_set bs;

	struct mutex shape_lock;	/* status walks what a load replaces */
	struct mutex lock;		/* of all below; taken in process context */
	bool loaded;
	bool active;			/* between resume and suspend */
	bool read_only;			/* nothing may be written: mode ro_md for good */
	unsigned long modes;		/* bits of enum remap_mode */
	struct xarray special;		/* struct rm_entry by block */
	u64 n_remapped;
	u64 n_pending;
	u64 n_lost;
	struct rm_slots slots;
	void *slots_mem;
	u32 n_dirty;			/* pages, of all spares */
	u64 gen;
	bool map_stale;			/* some of special are RM_CHANGED */
	bool main_gone;			/* by the error of main that was looked at last */
	bool news;			/* something that is worth an event */
	unsigned int copies;
	struct rm_map *map;
	struct rm_view *views[2];	/* room for the one that counts and the one before */
	struct rm_view *old_view;
	struct rm_seg *old_segs;
	struct rm_cache *cache;		/* as old as the map at most */
	struct rm_cache *old_cache;
	struct rm_change *change;
	struct rm_entry *undo;		/* what entries were, if the commit fails */
	unsigned int n_undo;
	struct rm_release *release;
	unsigned int n_release;
	struct bio_list batch;
	struct rm_range busy[RM_BATCH_BIOS];	/* of the batch */
	u32 n_places;			/* in the pending pages of all spares */
	unsigned long *pending_map;	/* used places */
	u64 *pending_block;		/* the block of each used place */
	u8 *pages;			/* room for RM_LOAD_PAGES page images */
	struct rm_burst burst;
	bool burst_told;
	unsigned int watermark;
	u8 *buf;			/* one block */
	u8 *check;			/* one block, to read back */
	u8 *super_buf;			/* a page, for superblocks */
	u8 *probe;			/* a page, to see whether a disk answers */
	u64 events;
	u64 event_told;
	u64 last_error;
	u64 salvage[RM_BATCH_BIOS];	/* blocks to be copied while they can be read */
	unsigned int n_salvage;
	struct rm_scrub *scrub;
	struct rm_hot *hot;
};

enum rm_where { RM_AT_NONE, RM_AT_MAIN, RM_AT_SPARE, RM_AT_FLUSH };

/* Per bio. */
struct rm_io {
	struct bvec_iter iter;		/* as it came, sectors from the target's start */
	u64 start;			/* ns, 0: not timed */
	int srcu;
	u8 where;
	u8 spare;
	bool failed;			/* this and the next: from rm_defer() on */
	bool needs_commit;
	bool carries;			/* a flush of writes that may not be durable yet */
	blk_status_t status;
	blk_status_t fallback;		/* what to say if the commit fails */
};

#endif /* DM_REMAP_TYPES_H */
