// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsers for the status line and the replies to messages.
 */
#include "remap_status.h"

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define WORD_ITEM(value, word) word,
static const char *const mode_names[] = { REMAP_MODES(WORD_ITEM) };
static const char *const scrub_names[] = { REMAP_SCRUB_STATES(WORD_ITEM) };
static const char *const block_names[] = { REMAP_BLOCK_STATES(WORD_ITEM) };
static const char *const reason_names[] = { REMAP_REASONS(WORD_ITEM) };
static const char *const pending_write_names[] = { REMAP_PENDING_WRITES(WORD_ITEM) };
static const char *const alloc_names[] = { REMAP_ALLOCS(WORD_ITEM) };
static const char *const switch_names[] = { REMAP_SWITCHES(WORD_ITEM) };
#undef WORD_ITEM

static const char *name_of(const char *const *names, size_t n, unsigned int i)
{
	return i < n ? names[i] : "?";
}

const char *remap_mode_name(enum remap_mode mode)
{
	return name_of(mode_names, ARRAY_LEN(mode_names), mode);
}

const char *remap_scrub_state_name(enum remap_scrub_state state)
{
	return name_of(scrub_names, ARRAY_LEN(scrub_names), state);
}

const char *remap_block_state_name(enum remap_block_state state)
{
	return name_of(block_names, ARRAY_LEN(block_names), state);
}

const char *remap_reason_name(enum remap_reason reason)
{
	return name_of(reason_names, ARRAY_LEN(reason_names), reason);
}

const char *remap_pending_write_name(enum remap_pending_write how)
{
	return name_of(pending_write_names, ARRAY_LEN(pending_write_names), how);
}

const char *remap_alloc_name(enum remap_alloc how)
{
	return name_of(alloc_names, ARRAY_LEN(alloc_names), how);
}

const char *remap_switch_name(enum remap_switch how)
{
	return name_of(switch_names, ARRAY_LEN(switch_names), how);
}

struct word {
	const char *s;
	size_t len;
};

static int word_is(const struct word *w, const char *s)
{
	return strlen(s) == w->len && !memcmp(w->s, s, w->len);
}

static int find_word(const char *const *names, size_t n, const struct word *w)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (word_is(w, names[i]))
			return (int)i;
	return -EINVAL;
}

/* The next word of a line; an empty one at its end. */
static struct word next_word(const char **p)
{
	struct word w;

	while (**p == ' ')
		(*p)++;
	w.s = *p;
	while (**p && **p != ' ' && **p != '\n')
		(*p)++;
	w.len = (size_t)(*p - w.s);
	return w;
}

static int word_u64(const struct word *w, __u64 *out)
{
	__u64 v = 0;
	size_t i;

	if (!w->len)
		return -EINVAL;
	for (i = 0; i < w->len; i++) {
		unsigned int d = (unsigned int)(unsigned char)w->s[i] - '0';

		if (d > 9 || v > (~(__u64)0 - d) / 10)
			return -EINVAL;
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

int remap_u64_parse(const char *word, __u64 *out)
{
	struct word w = { word, strlen(word) };

	return word_u64(&w, out);
}

/* Splits key=value; false when the word is none. */
static int split_kv(const struct word *w, struct word *key, struct word *val)
{
	const char *eq = memchr(w->s, '=', w->len);

	if (!eq || eq == w->s)
		return 0;
	key->s = w->s;
	key->len = (size_t)(eq - w->s);
	val->s = eq + 1;
	val->len = w->len - key->len - 1;
	return val->len > 0;
}

static int take_kv(const char **p, const char *key, struct word *val)
{
	struct word w = next_word(p), k;

	if (!split_kv(&w, &k, val) || !word_is(&k, key))
		return -EINVAL;
	return 0;
}

static int take_u64(const char **p, const char *key, __u64 *out)
{
	struct word val;

	return take_kv(p, key, &val) ? -EINVAL : word_u64(&val, out);
}

static int take_scrub(const char **p, const char *key, enum remap_scrub_state *out)
{
	struct word val;
	int i;

	if (take_kv(p, key, &val))
		return -EINVAL;
	i = find_word(scrub_names, ARRAY_LEN(scrub_names), &val);
	if (i < 0)
		return i;
	*out = (enum remap_scrub_state)i;
	return 0;
}

static int take_health(const char **p, const char *key, __s64 *out)
{
	__u64 v;

	if (take_u64(p, key, &v) || v > 100)
		return -EINVAL;
	*out = (__s64)v;
	return 0;
}

#define NAME_ITEM(name) #name,
static const char *const status_keys[] = {
	REMAP_STATUS_KEYS(NAME_ITEM, NAME_ITEM, NAME_ITEM)
};

#undef NAME_ITEM

/* What is left of a line: key=value words of new names, then its end. */
static int only_new_keys(const char **p)
{
	struct word w, key, val;

	for (w = next_word(p); w.len; w = next_word(p)) {
		if (!split_kv(&w, &key, &val) ||
		    find_word(status_keys, ARRAY_LEN(status_keys), &key) >= 0)
			return -EINVAL;
	}
	if (**p == '\n')
		(*p)++;
	return **p ? -EINVAL : 0;
}

int remap_status_parse(const char *text, struct remap_status *out)
{
	const char *p = text;
	struct word w = next_word(&p);
	__u64 version;
	int mode, bad = 0;

	if (word_u64(&w, &version) || version != REMAP_GRAMMAR_VERSION)
		return -EINVAL;
	w = next_word(&p);
	mode = find_word(mode_names, ARRAY_LEN(mode_names), &w);
	if (mode < 0)
		return mode;
	out->mode = (enum remap_mode)mode;

#define TAKE_U(name) bad = bad || take_u64(&p, #name, &out->name);
#define TAKE_S(name) bad = bad || take_scrub(&p, #name, &out->name);
#define TAKE_H(name) bad = bad || take_health(&p, #name, &out->name);
	REMAP_STATUS_KEYS(TAKE_U, TAKE_S, TAKE_H)
#undef TAKE_U
#undef TAKE_S
#undef TAKE_H

	return bad ? -EINVAL : only_new_keys(&p);
}

int remap_kv_u64(const char *text, const char *key, __u64 *out)
{
	struct word w, k, v;

	for (;;) {
		w = next_word(&text);
		if (!w.len) {
			if (*text != '\n')
				return -EINVAL;
			text++;
			continue;
		}
		if (split_kv(&w, &k, &v) && word_is(&k, key))
			return word_u64(&v, out);
	}
}

/* key=value words up to the end of the line. */
static int take_extra(const char **p, const char **extra, size_t *len)
{
	struct word w, k, v;

	while (**p == ' ')
		(*p)++;
	*extra = *p;
	*len = 0;
	for (w = next_word(p); w.len; w = next_word(p)) {
		if (!split_kv(&w, &k, &v))
			return -EINVAL;
		*len = (size_t)(w.s + w.len - *extra);
	}
	if (**p == '\n')
		(*p)++;
	return 0;
}

int remap_list_next(const char **text, struct remap_list_item *out)
{
	const char *p = *text;
	struct word w, key, val;
	int state;

	while (*p == '\n')
		p++;
	if (!*p)
		return 0;

	w = next_word(&p);
	if (word_is(&w, "ok")) {
		w = next_word(&p);
		if (!word_is(&w, "entries=0") || (*p == '\n' ? p[1] : *p))
			return -EINVAL;
		*text = p;
		return 0;
	}
	if (split_kv(&w, &key, &val)) {
		if (!word_is(&key, "next") || word_u64(&val, &out->cursor))
			return -EINVAL;
		if (*p == '\n')
			p++;
		if (*p)
			return -EINVAL;
		out->is_next = 1;
		*text = p;
		return 1;
	}

	out->is_next = 0;
	out->cursor = 0;
	if (word_u64(&w, &out->block))
		return -EINVAL;
	w = next_word(&p);
	if (word_u64(&w, &out->count) || !out->count)
		return -EINVAL;
	w = next_word(&p);
	state = find_word(block_names, ARRAY_LEN(block_names), &w);
	if (state < 0)
		return state;
	out->state = (enum remap_block_state)state;

	*text = p;
	w = next_word(&p);
	out->slot = 0;
	out->has_slot = w.len && !word_u64(&w, &out->slot);
	if (!out->has_slot)
		p = *text;
	if (take_extra(&p, &out->extra, &out->extra_len))
		return -EINVAL;
	*text = p;
	return 1;
}

int remap_query_parse(const char *text, struct remap_query *out)
{
	const char *p = text;
	struct word w = next_word(&p);
	size_t len;
	int state;

	if (word_u64(&w, &out->sector))
		return -EINVAL;
	w = next_word(&p);
	state = find_word(block_names, ARRAY_LEN(block_names), &w);
	if (state < 0 || state >= REMAP_BLOCK_BAD_SLOT)
		return -EINVAL;
	out->state = (enum remap_block_state)state;
	if (take_extra(&p, &out->extra, &len) || *p)
		return -EINVAL;
	return 0;
}

int remap_pending_write_parse(const char *word, enum remap_pending_write *out)
{
	struct word w = { word, strlen(word) };
	int i = find_word(pending_write_names, ARRAY_LEN(pending_write_names), &w);

	if (i < 0)
		return i;
	*out = (enum remap_pending_write)i;
	return 0;
}

int remap_alloc_parse(const char *word, enum remap_alloc *out)
{
	struct word w = { word, strlen(word) };
	int i = find_word(alloc_names, ARRAY_LEN(alloc_names), &w);

	if (i < 0)
		return i;
	*out = (enum remap_alloc)i;
	return 0;
}

int remap_switch_parse(const char *word, enum remap_switch *out)
{
	struct word w = { word, strlen(word) };
	int i = find_word(switch_names, ARRAY_LEN(switch_names), &w);

	if (i < 0)
		return i;
	*out = (enum remap_switch)i;
	return 0;
}
