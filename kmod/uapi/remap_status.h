/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsers for what the target "remap" says and takes.  No allocation, no I/O.
 * Every function returns 0 (or what it says) or -EINVAL, and leaves *out
 * unspecified on failure.
 */
#ifndef REMAP_STATUS_H
#define REMAP_STATUS_H

#include "remap_uapi.h"

#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define REMAP_FIELD_U(name) __u64 name;
#define REMAP_FIELD_S(name) enum remap_scrub_state name;
#define REMAP_FIELD_H(name) __s64 name;
struct remap_status {
	enum remap_mode mode;

	REMAP_STATUS_KEYS(REMAP_FIELD_U, REMAP_FIELD_S, REMAP_FIELD_H)
};

#undef REMAP_FIELD_U
#undef REMAP_FIELD_S
#undef REMAP_FIELD_H

/**
 * remap_status_parse() - parse a STATUSTYPE_INFO line (after start, length
 *	and target name, as libdevmapper's params).
 * @text: NUL-terminated line; one trailing newline is allowed
 * @out: one field per published key
 *
 * All published keys must be there, in their order, each once; unknown
 * key=value words are accepted after them.
 */
int remap_status_parse(const char *text, struct remap_status *out);

/* A reason, state, mode ... as its published word; "?" when out of range. */
const char *remap_mode_name(enum remap_mode mode);
const char *remap_scrub_state_name(enum remap_scrub_state state);
const char *remap_block_state_name(enum remap_block_state state);
const char *remap_reason_name(enum remap_reason reason);
const char *remap_pending_write_name(enum remap_pending_write how);
const char *remap_alloc_name(enum remap_alloc how);
const char *remap_switch_name(enum remap_switch how);
int remap_pending_write_parse(const char *word, enum remap_pending_write *out);
int remap_alloc_parse(const char *word, enum remap_alloc *out);
int remap_switch_parse(const char *word, enum remap_switch *out);

/* A decimal number and nothing else. */
int remap_u64_parse(const char *word, __u64 *out);

/* The u64 value of word key=N anywhere in text; -EINVAL if absent or no u64. */
int remap_kv_u64(const char *text, const char *key, __u64 *out);

/*
 * One line of a reply to "list":  <block> <count> <state> [<slot>] key=value...
 * or the last line next=<cursor>.  For bad_slots, block is the slot's number.
 */
struct remap_list_item {
	int is_next;			/* next=<cursor>: only cursor is set */
	__u64 cursor;
	__u64 block;
	__u64 count;
	enum remap_block_state state;
	int has_slot;
	__u64 slot;
	const char *extra;		/* key=value words, not terminated */
	size_t extra_len;
};

/**
 * remap_list_next() - take the next line of a reply to "list".
 * @text: where to go on, moved behind the line taken
 * @out: what the line says
 *
 * Return: 1 for a line, 0 at the end of the text, -EINVAL for a bad line or
 * one behind next=.
 */
int remap_list_next(const char **text, struct remap_list_item *out);

/* The reply to "query": <sector> clean|remapped|pending|lost key=value... */
struct remap_query {
	__u64 sector;
	enum remap_block_state state;
	const char *extra;		/* use remap_kv_u64() */
};

int remap_query_parse(const char *text, struct remap_query *out);

/* The table line behind "<start> <len> remap". */
struct remap_table_spare {
	const char *dev;
	__u64 offset;
	__u64 len;
};

struct remap_table {
	const char *main_dev;
	__u64 data_offset;
	unsigned int n_spares;
	struct remap_table_spare spare[REMAP_SPARES_MAX];
	__u64 block_size;		/* 0: the target chooses */
	__u64 copies;			/* 0: the default, or what the spare has */
	enum remap_pending_write pending_write;
	__u64 read_retries;
	enum remap_alloc alloc;
	__u64 error_burst;
	__u64 max_remaps;		/* 0: as many as fit */
	enum remap_switch salvage;
	__u64 scrub_rate;		/* KiB/s, 0: no limit */
	__u64 sample_rate;		/* one I/O in so many, 0: none */
	enum remap_switch histogram;
};

/* Defaults for everything but the devices. */
void remap_table_init(struct remap_table *table);

/**
 * remap_table_parse_argv() - parse the words of a table line.
 * @argc: how many words
 * @argv: the words; device names in @out point into them
 * @out: the table
 * @error: set to a sentence that says what is wrong
 */
int remap_table_parse_argv(unsigned int argc, char **argv,
			   struct remap_table *out, const char **error);

/* The same for a line; its blanks are overwritten, @out points into it. */
int remap_table_parse(char *text, struct remap_table *out, const char **error);

/**
 * remap_table_print() - write the table line that recreates @table.
 *
 * Features that have their default are left out, block_size and copies when 0.
 * Return: the length as snprintf() does, so >= @size means it did not fit.
 */
int remap_table_print(const struct remap_table *table, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_STATUS_H */
