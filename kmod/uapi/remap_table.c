// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table line: parse and print.
 */
#include "remap_status.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <stdio.h>
#include <string.h>
#endif

#define ARGS_MAX 64
#define N_FEATURES 11

typedef unsigned long long ull;

void remap_table_init(struct remap_table *table)
{
	memset(table, 0, sizeof(*table));
	table->pending_write = REMAP_PENDING_WRITE_REMAP;
	table->read_retries = REMAP_DEFAULT_READ_RETRIES;
	table->alloc = REMAP_ALLOC_WEAR;
	table->error_burst = REMAP_DEFAULT_ERROR_BURST;
	table->scrub_rate = REMAP_DEFAULT_SCRUB_RATE;
	table->sample_rate = REMAP_DEFAULT_SAMPLE_RATE;
}

static int number_in(const char *word, __u64 min, __u64 max, __u64 *out)
{
	return !remap_u64_parse(word, out) && *out >= min && *out <= max;
}

static const char *parse_feature(struct remap_table *t, unsigned int *seen,
				 const char *name, const char *value)
{
	static const char *const names[N_FEATURES] = {
		"block_size", "copies", "pending_write", "read_retries",
		"alloc", "error_burst", "max_remaps", "salvage",
		"scrub_rate", "sample_rate", "histogram",
	};
	unsigned int i;

	for (i = 0; i < N_FEATURES; i++)
		if (!strcmp(name, names[i]))
			break;
	if (i < N_FEATURES) {
		if (*seen & (1U << i))
			return "Feature given twice";
		*seen |= 1U << i;
	}

	switch (i) {
	case 0:
		if (!number_in(value, 1, REMAP_BLOCK_MAX, &t->block_size) ||
		    (t->block_size & (t->block_size - 1)))
			return "block_size must be a power of two from 1 to 64 sectors";
		return NULL;
	case 1:
		if (!number_in(value, REMAP_COPIES_MIN, REMAP_COPIES_MAX, &t->copies))
			return "copies must be 2 to 5";
		return NULL;
	case 2:
		if (remap_pending_write_parse(value, &t->pending_write))
			return "pending_write must be remap or verify";
		return NULL;
	case 3:
		if (!number_in(value, 0, REMAP_READ_RETRIES_MAX, &t->read_retries))
			return "read_retries must be 0 to 100";
		return NULL;
	case 4:
		if (remap_alloc_parse(value, &t->alloc))
			return "alloc must be wear, near or first";
		return NULL;
	case 5:
		if (!number_in(value, 0, 0xffffffffU, &t->error_burst))
			return "error_burst must be a number of blocks, 0 for no limit";
		return NULL;
	case 6:
		if (!number_in(value, 1, REMAP_REMAPS_MAX, &t->max_remaps))
			return "max_remaps must be 1 to 16777216";
		return NULL;
	case 7:
		if (remap_switch_parse(value, &t->salvage))
			return "salvage must be on or off";
		return NULL;
	case 8:
		if (!number_in(value, 0, REMAP_RATE_MAX - 1, &t->scrub_rate))
			return "scrub_rate must be a number of KiB/s, 0 for no limit";
		return NULL;
	case 9:
		if (!number_in(value, 0, REMAP_RATE_MAX - 1, &t->sample_rate))
			return "sample_rate must be a number of I/Os, 0 for no samples";
		return NULL;
	case 10:
		if (remap_switch_parse(value, &t->histogram))
			return "histogram must be on or off";
		return NULL;
	default:
		return "Unknown feature";
	}
}

int remap_table_parse_argv(unsigned int argc, char **argv,
			   struct remap_table *out, const char **error)
{
	unsigned int i, n, seen = 0;
	__u64 v;

	remap_table_init(out);
	if (argc < 5) {
		*error = "Too few arguments, expected 1 <main> <data_offset> <n_spares> ...";
		return -EINVAL;
	}
	if (remap_u64_parse(argv[0], &v) || v != REMAP_GRAMMAR_VERSION) {
		*error = "Unknown version of the table line, expected 1";
		return -EINVAL;
	}
	out->main_dev = argv[1];
	if (!number_in(argv[2], 0, (__u64)1 << 54, &out->data_offset)) {
		*error = "Invalid data_offset";
		return -EINVAL;
	}
	if (!number_in(argv[3], 1, REMAP_SPARES_MAX, &v)) {
		*error = "Number of spares must be 1 to 8";
		return -EINVAL;
	}
	out->n_spares = (unsigned int)v;
	n = 4 + 3 * out->n_spares;
	if (argc < n + 1) {
		*error = "Too few arguments for that many spares";
		return -EINVAL;
	}
	for (i = 0; i < out->n_spares; i++) {
		struct remap_table_spare *s = &out->spare[i];

		s->dev = argv[4 + 3 * i];
		if (!number_in(argv[5 + 3 * i], 0, (__u64)1 << 54, &s->offset)) {
			*error = "Invalid offset of a spare";
			return -EINVAL;
		}
		if (!number_in(argv[6 + 3 * i], 1, (__u64)1 << 54, &s->len)) {
			*error = "Invalid length of a spare";
			return -EINVAL;
		}
	}
	if (!number_in(argv[n], 0, ARGS_MAX, &v) || (v & 1)) {
		*error = "Number of feature arguments must be even";
		return -EINVAL;
	}
	n++;
	if (argc - n != v) {
		*error = argc - n < v ? "Too few feature arguments" :
					"Trailing words after the feature arguments";
		return -EINVAL;
	}
	for (; n < argc; n += 2) {
		*error = parse_feature(out, &seen, argv[n], argv[n + 1]);
		if (*error)
			return -EINVAL;
	}
	return 0;
}

int remap_table_parse(char *text, struct remap_table *out, const char **error)
{
	char *argv[ARGS_MAX];
	unsigned int argc = 0;

	for (;;) {
		while (*text == ' ' || *text == '\n')
			*text++ = '\0';
		if (!*text)
			break;
		if (argc == ARGS_MAX) {
			*error = "Too many words";
			return -EINVAL;
		}
		argv[argc++] = text;
		while (*text && *text != ' ' && *text != '\n')
			text++;
	}
	return remap_table_parse_argv(argc, argv, out, error);
}

struct line {
	char *buf;
	size_t size;
	size_t len;
};

static void put_word(struct line *l, const char *word)
{
	size_t n = strlen(word);

	if (l->len) {
		if (l->len + 1 < l->size)
			l->buf[l->len] = ' ';
		l->len++;
	}
	if (l->len + n < l->size)
		memcpy(l->buf + l->len, word, n);
	l->len += n;
}

static void put_u64(struct line *l, __u64 v)
{
	char word[24];

	snprintf(word, sizeof(word), "%llu", (ull)v);
	put_word(l, word);
}

static void put_features(struct line *l, const struct remap_table *t,
			 unsigned int *words, int print)
{
#define FEATURE(cond, name, put) do {		\
	if (cond) {				\
		*words += 2;			\
		if (print) {			\
			put_word(l, name);	\
			put;			\
		}				\
	}					\
} while (0)
	FEATURE(t->block_size, "block_size", put_u64(l, t->block_size));
	FEATURE(t->copies, "copies", put_u64(l, t->copies));
	FEATURE(t->pending_write != REMAP_PENDING_WRITE_REMAP, "pending_write",
		put_word(l, remap_pending_write_name(t->pending_write)));
	FEATURE(t->read_retries != REMAP_DEFAULT_READ_RETRIES, "read_retries",
		put_u64(l, t->read_retries));
	FEATURE(t->alloc != REMAP_ALLOC_WEAR, "alloc",
		put_word(l, remap_alloc_name(t->alloc)));
	FEATURE(t->error_burst != REMAP_DEFAULT_ERROR_BURST, "error_burst",
		put_u64(l, t->error_burst));
	FEATURE(t->max_remaps, "max_remaps", put_u64(l, t->max_remaps));
	FEATURE(t->salvage != REMAP_OFF, "salvage",
		put_word(l, remap_switch_name(t->salvage)));
	FEATURE(t->scrub_rate != REMAP_DEFAULT_SCRUB_RATE, "scrub_rate",
		put_u64(l, t->scrub_rate));
	FEATURE(t->sample_rate != REMAP_DEFAULT_SAMPLE_RATE, "sample_rate",
		put_u64(l, t->sample_rate));
	FEATURE(t->histogram != REMAP_OFF, "histogram",
		put_word(l, remap_switch_name(t->histogram)));
#undef FEATURE
}

int remap_table_print(const struct remap_table *t, char *buf, size_t size)
{
	struct line l = { buf, size, 0 };
	unsigned int i, words = 0;

	put_u64(&l, REMAP_GRAMMAR_VERSION);
	put_word(&l, t->main_dev);
	put_u64(&l, t->data_offset);
	put_u64(&l, t->n_spares);
	for (i = 0; i < t->n_spares; i++) {
		put_word(&l, t->spare[i].dev);
		put_u64(&l, t->spare[i].offset);
		put_u64(&l, t->spare[i].len);
	}
	put_features(&l, t, &words, 0);
	put_u64(&l, words);
	put_features(&l, t, &words, 1);
	if (size)
		buf[l.len < size ? l.len : size - 1] = '\0';
	return (int)l.len;
}
