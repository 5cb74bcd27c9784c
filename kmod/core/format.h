/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands on a spare; FORMAT.md says it field by field.
 */
#ifndef REMAP_FORMAT_H
#define REMAP_FORMAT_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_UUID_SIZE		16
#define RM_SB_BYTES		512	/* one sector: written whole or not */
#define RM_SB_PLACE_SECTORS	8
#define RM_SB_AREA_SECTORS	16	/* A and B */
#define RM_SB_VERSION		1
#define RM_MAIN_COPY_SECTOR	2040	/* of main's signature, at the end of its room */
#define RM_PAGE_BYTES		4096
#define RM_PAGE_SECTORS		8
#define RM_PAGE_HEADER		64
#define RM_SLOTS_PER_PAGE	126	/* (4096 - 64) / 32 */
#define RM_PENDING_PER_PAGE	252	/* (4096 - 64) / 16 */
#define RM_PENDING_PAGES_MIN	2
#define RM_PENDING_PAGES_MAX	64
#define RM_SLOTS_DEFAULT_MAX	1048576

#define RM_FEATURES_COMPAT	0
#define RM_FEATURES_RO		0
#define RM_FEATURES_INCOMPAT	0

#define RM_AREAS_MAX		16	/* spares as they were formatted, and what they grew by */
#define RM_AREA_RETIRED		1	/* flag: holds nothing and takes nothing */

#define RM_SB_MAINT		1	/* flag: maintenance is on */
#define RM_SB_FORMATTING	2	/* flag: not in use yet */

enum rm_page_type { RM_PAGE_SLOTS = 1, RM_PAGE_PENDING = 2 };

enum rm_slot_state {
	RM_SLOT_FREE,
	RM_SLOT_USED,
	RM_SLOT_BAD,	/* never used again */
	RM_SLOT_LOST,	/* holds a block that cannot be read back */
	/* in memory only: */
	RM_SLOT_HELD,	/* free once its release is durable */
	RM_SLOT_LEFT,	/* bad or held once the block's new slot is durable */
	RM_SLOT_CLOSED,	/* free, on a spare that takes nothing any more */
};

/* One of the pieces that make up a set, each with superblocks, mirrors and slots. */
struct rm_area {
	u64 id;			/* the first half of its uuid */
	u64 sectors;
	u8 spare;		/* the number of the first area on the same spare */
	u8 flags;
};

/* All of them; the newest that any superblock of the set has is true. */
struct rm_set {
	u64 gen;		/* 0: written by a version that knew no such list */
	u32 n;
	struct rm_area area[RM_AREAS_MAX];
};

struct rm_super {
	u32 compat;
	u32 ro;
	u32 incompat;
	u32 flags;
	u8 set_uuid[RM_UUID_SIZE];
	u8 spare_uuid[RM_UUID_SIZE];
	u64 gen;
	u32 index;		/* of this area in the set */
	u64 main_sectors;
	u64 target_sectors;
	u64 data_offset;
	u32 main_lbs;		/* bytes */
	u32 main_pbs;
	u32 block_size;		/* sectors */
	u32 copies;
	u32 mirror_mask;	/* mirrors that are up to date */
	u32 pending_pages;
	u64 slots;
	u64 sectors;		/* of this area */
	struct rm_set set;
	u64 scrub_pos;		/* the first spare only: where the scrub goes on */
	u64 scrub_found;
	u32 scrub_rate;		/* KiB/s */
	u32 scrub_state;	/* enum remap_scrub_state */
	u32 writing;		/* to the only mirror: 1 + 2 * page + copy; 0: nothing */
};

enum rm_super_check {
	RM_SUPER_OK,
	RM_SUPER_BLANK,		/* all zero */
	RM_SUPER_BAD,		/* no superblock, or a damaged one */
	RM_SUPER_NEWER,		/* whole, but not for this version */
};

/* Whether it has features that allow this version to read only. */
static inline bool rm_super_read_only(const struct rm_super *sb)
{
	return sb->ro & ~RM_FEATURES_RO;
}

u64 rm_uuid_id(const u8 *uuid);
/* The place of the area in the set; set->n if it is none of it. */
u32 rm_set_find(const struct rm_set *set, u64 id);
/* Where the area begins, in sectors from the start of its spare. */
u64 rm_set_offset(const struct rm_set *set, u32 area);
void rm_super_encode(const struct rm_super *sb, void *buf);
enum rm_super_check rm_super_decode(const void *buf, struct rm_super *sb);
bool rm_is_zero(const void *buf, size_t len);

/* The signature at the start of main, one sector. */
void rm_main_encode(const u8 *set_uuid, void *buf);
/* Whether buf is one; then set_uuid is filled in. */
bool rm_main_decode(const void *buf, u8 *set_uuid);

struct rm_page_header {
	const u8 *uuid;
	u64 number;
	u64 gen;
	enum rm_page_type type;
};

void rm_page_seal(void *page, const struct rm_page_header *h);
/* The generation of a whole page that is what h (but for gen) says; else 0. */
u64 rm_page_check(const void *page, const struct rm_page_header *h);

struct rm_slot_record {
	u64 block;
	u64 mask;
	u64 seq;		/* of two records for a block the higher counts */
	u32 time;
	u32 wear;
	u16 errors;
	u8 state;
	u8 reason;
};

void rm_slot_get(const void *page, unsigned int i, struct rm_slot_record *rec);
void rm_slot_set(void *page, unsigned int i, const struct rm_slot_record *rec);

struct rm_pending_record {
	u64 block;
	u32 time;
	u16 errors;
	u8 reason;
	bool used;
};

void rm_pending_get(const void *page, unsigned int i, struct rm_pending_record *rec);
void rm_pending_set(void *page, unsigned int i, const struct rm_pending_record *rec);

/* Where things are on a spare, in sectors from the start of its area. */
struct rm_layout {
	u64 slots;
	u32 slot_pages;
	u32 pending_pages;
	u32 copies;
	u64 mirror_sectors;
	u64 slot_start;
	u64 tail_start;		/* first sector behind the slots */
	u64 tail_super;
};

u32 rm_pending_pages_for(u64 sectors);

/* Lays out exactly @slots; -ENOSPC when they do not fit. */
int rm_layout_exact(struct rm_layout *l, u64 sectors, u32 block_size,
		    u32 copies, u32 pending_pages, u64 slots);
/* Lays out as many as fit, at most @max; -ENOSPC when not one does. */
int rm_layout_most(struct rm_layout *l, u64 sectors, u32 block_size,
		   u32 copies, u32 pending_pages, u64 max);
/* Where copy 0 or 1 of a page is in a mirror. */
u64 rm_layout_page(const struct rm_layout *l, unsigned int mirror, u32 page,
		   unsigned int copy);
u64 rm_layout_super(const struct rm_layout *l, unsigned int end, unsigned int copy);

/*
 * What the copies of one page in all mirrors say.  gen[copy][mirror] is 0 for
 * a damaged one.  Mirrors are written one after the other, so that a crash
 * damages a copy in one mirror at most.
 *
 * Return: the copy to read, or -EUCLEAN if one is damaged in all mirrors of
 * the mask: what it held may be what was acknowledged last.
 */
int rm_page_choose(const u64 gen[2][5], u32 mask, unsigned int *mirror);

/*
 * The same when copy @torn was being written to the only mirror: what it was to
 * hold was not acknowledged, and the other copy counts.
 */
int rm_page_choose_other(const u64 gen[2][5], u32 mask, unsigned int torn, unsigned int *mirror);

/* What a superblock says while a copy is written to the only mirror. */
static inline u32 rm_page_writing(u32 page, unsigned int copy)
{
	return 1 + 2 * page + copy;
}

#ifdef __cplusplus
}
#endif

#endif /* REMAP_FORMAT_H */
