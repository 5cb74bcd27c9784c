/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A spare as remapck sees it: superblocks, pages, and what is wrong with them.
 */
#ifndef REMAPCK_SPARE_H
#define REMAPCK_SPARE_H

#include <stdio.h>

#include "../core/format.h"

#define PLACES 4		/* superblocks: two ends, two copies */
#define MIRRORS 5

struct page {
	u64 gen[2][MIRRORS];	/* by copy and mirror, 0 for a damaged one */
	unsigned char image[RM_PAGE_BYTES];	/* aligned as its records are */
	int newest;		/* copy, or a negative error */
};

/* An area of a spare, and those that it grew by. */
struct spare {
	int fd;
	u64 offset;		/* of the area on the device, in sectors */
	u64 sectors;
	enum rm_super_check place[PLACES];
	struct rm_super at[PLACES];
	int best;		/* the superblock that counts, or -1 */
	struct rm_super super;
	struct rm_layout layout;
	u32 pages;
	struct page *page;
	u64 damage;		/* found; what repair can mend */
	u64 fatal;		/* found; what nothing here can mend */
	u64 repaired;
	FILE *log;		/* where findings are said */
	struct spare *next;
};

int spare_read(struct spare *s, u64 sector, void *buf, size_t bytes);
int spare_write(struct spare *s, u64 sector, const void *buf, size_t bytes);
/* Reads and judges everything; 0 unless the device cannot be worked with. */
int spare_check(struct spare *s);
/* The same for what it grew by, which s->next is the first of then. */
int spare_check_next(struct spare *s);
/* Copies what is newest and whole over what is not. */
int spare_repair(struct spare *s);
void spare_dump(const struct spare *s, FILE *out);
void spare_free(struct spare *s);
u64 spare_super_sector(const struct spare *s, unsigned int place);
struct rm_page_header spare_page_header(const struct spare *s, u32 page);

#endif /* REMAPCK_SPARE_H */
