/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The published grammar of the device-mapper target "remap": table line,
 * status line, messages and their replies.  GRAMMAR.md says the same in words.
 *
 * Compiles in the kernel and in user space, as C and as C++.
 */
#ifndef REMAP_UAPI_H
#define REMAP_UAPI_H

#include <linux/types.h>

#define REMAP_TARGET_NAME	"remap"
#define REMAP_MODULE_NAME	"dm_remap"
#define REMAP_GRAMMAR_VERSION	1

/* Sectors are 512 bytes everywhere in the grammar. */
#define REMAP_SECTOR_SHIFT	9
#define REMAP_BLOCK_MAX		64	/* largest block_size, in sectors */
#define REMAP_SPARES_MAX	8
#define REMAP_COPIES_MIN	2
#define REMAP_COPIES_MAX	5
#define REMAP_DATA_OFFSET_SIGNED 2048	/* from here on main carries a signature */

#define REMAP_DEFAULT_COPIES		2
#define REMAP_DEFAULT_READ_RETRIES	2
#define REMAP_DEFAULT_ERROR_BURST	4096
#define REMAP_DEFAULT_SCRUB_RATE	65536	/* KiB/s */
#define REMAP_DEFAULT_SAMPLE_RATE	64	/* one I/O in so many */
#define REMAP_READ_RETRIES_MAX		100
#define REMAP_RATE_MAX			0xffffffffU	/* less than this */
#define REMAP_REMAPS_MAX		16777216

/* X(value, word): worst last; the word shown is the worst that holds. */
#define REMAP_MODES(X)			\
	X(REMAP_MODE_RW, "rw")		\
	X(REMAP_MODE_MAINT, "maint")	\
	X(REMAP_MODE_RO_MD, "ro_md")	\
	X(REMAP_MODE_NO_SPARE, "no_spare") \
	X(REMAP_MODE_FAIL, "fail")

#define REMAP_SCRUB_STATES(X)			\
	X(REMAP_SCRUB_IDLE, "idle")		\
	X(REMAP_SCRUB_RUNNING, "running")	\
	X(REMAP_SCRUB_PAUSED, "paused")		\
	X(REMAP_SCRUB_DONE, "done")		\
	X(REMAP_SCRUB_FAILED, "failed")

#define REMAP_BLOCK_STATES(X)			\
	X(REMAP_BLOCK_CLEAN, "clean")		\
	X(REMAP_BLOCK_REMAPPED, "remapped")	\
	X(REMAP_BLOCK_PENDING, "pending")	\
	X(REMAP_BLOCK_LOST, "lost")		\
	X(REMAP_BLOCK_BAD_SLOT, "bad")		\
	X(REMAP_BLOCK_HOT, "hot")		\
	X(REMAP_BLOCK_CLUSTER, "cluster")	\
	X(REMAP_BLOCK_REGION, "region")		\
	X(REMAP_BLOCK_SPARE, "spare")		\
	X(REMAP_BLOCK_RETIRED, "retired")

/* Why a block is remapped, pending or lost. */
#define REMAP_REASONS(X)			\
	X(REMAP_REASON_NONE, "none")		\
	X(REMAP_REASON_WRITE, "write_error")	\
	X(REMAP_REASON_READ, "read_error")	\
	X(REMAP_REASON_MANUAL, "manual")	\
	X(REMAP_REASON_PREDICTED, "predicted")	\
	X(REMAP_REASON_SLOT, "slot_error")

#define REMAP_PENDING_WRITES(X)			\
	X(REMAP_PENDING_WRITE_REMAP, "remap")	\
	X(REMAP_PENDING_WRITE_VERIFY, "verify")

/* Settings that are on or off. */
#define REMAP_SWITCHES(X)			\
	X(REMAP_OFF, "off")			\
	X(REMAP_ON, "on")

#define REMAP_ALLOCS(X)				\
	X(REMAP_ALLOC_WEAR, "wear")		\
	X(REMAP_ALLOC_NEAR, "near")		\
	X(REMAP_ALLOC_FIRST, "first")

#define REMAP_ENUM_ITEM(value, word) value,
enum remap_mode { REMAP_MODES(REMAP_ENUM_ITEM) REMAP_MODE_NR };
enum remap_scrub_state { REMAP_SCRUB_STATES(REMAP_ENUM_ITEM) REMAP_SCRUB_NR };
enum remap_block_state { REMAP_BLOCK_STATES(REMAP_ENUM_ITEM) REMAP_BLOCK_NR };
enum remap_reason { REMAP_REASONS(REMAP_ENUM_ITEM) REMAP_REASON_NR };
enum remap_pending_write {
	REMAP_PENDING_WRITES(REMAP_ENUM_ITEM) REMAP_PENDING_WRITE_NR
};

enum remap_switch { REMAP_SWITCHES(REMAP_ENUM_ITEM) REMAP_SWITCH_NR };
enum remap_alloc { REMAP_ALLOCS(REMAP_ENUM_ITEM) REMAP_ALLOC_NR };
#undef REMAP_ENUM_ITEM

/*
 * Keys of the status line in their published order.  U(name) is a u64,
 * S(name) the scrub state's word, H(name) the health, 0 (worst) to 100.
 * New keys go at the end.
 */
#define REMAP_STATUS_KEYS(U, S, H)	\
	U(block_size)			\
	U(md_gen)			\
	U(md_copies_ok)			\
	U(md_copies)			\
	U(slots)			\
	U(slots_used)			\
	U(slots_bad)			\
	U(remaps)			\
	U(pending)			\
	U(lost)				\
	U(rehabilitated)		\
	U(salvaged)			\
	U(auto_remaps)			\
	U(manual_remaps)		\
	U(predicted_remaps)		\
	U(read_errors)			\
	U(write_errors)			\
	U(nonmedia_errors)		\
	U(retries_ok)			\
	U(reads)			\
	U(writes)			\
	U(remapped_reads)		\
	U(remapped_writes)		\
	U(fast_path)			\
	U(slow_path)			\
	U(cache_hits)			\
	U(cache_misses)			\
	U(seq_ios)			\
	U(random_ios)			\
	S(scrub_state)			\
	U(scrub_pos)			\
	U(scrub_total)			\
	U(scrub_found)			\
	U(scrub_rate)			\
	U(hot_regions)			\
	U(error_clusters)		\
	U(wear_max)			\
	U(wear_min)			\
	H(health)			\
	U(commits)			\
	U(commit_fail)			\
	U(last_error_s)			\
	U(events)

#endif /* REMAP_UAPI_H */
