// SPDX-License-Identifier: GPL-2.0-only
/*
 * The settings of "set" and "get"; they stand in the table line too.
 */
#include "dm-remap.h"

static int set_histogram(struct remap *rm, const char *value)
{
	enum remap_switch on;
	int r = remap_switch_parse(value, &on);

	if (r)
		return r;
	rm->table.histogram = on;
	mutex_unlock(&rm->lock);
	rm_hist_set(rm, on == REMAP_ON);
	mutex_lock(&rm->lock);
	return 0;
}

int rm_set(struct remap *rm, const char *key, const char *value)
{
	struct remap_table *t = &rm->table;
	u64 v;

	if (!strcmp(key, "pending_write"))
		return remap_pending_write_parse(value, &t->pending_write);
	if (!strcmp(key, "alloc"))
		return remap_alloc_parse(value, &t->alloc);
	if (!strcmp(key, "salvage"))
		return remap_switch_parse(value, &t->salvage);
	if (!strcmp(key, "histogram"))
		return set_histogram(rm, value);
	if (remap_u64_parse(value, &v))
		return -EINVAL;
	if (!strcmp(key, "read_retries") && v <= REMAP_READ_RETRIES_MAX)
		t->read_retries = v;
	else if (!strcmp(key, "error_burst") && v <= U32_MAX)
		t->error_burst = v;
	else if (!strcmp(key, "scrub_rate") && v < REMAP_RATE_MAX)
		t->scrub_rate = v;
	else if (!strcmp(key, "sample_rate") && v < REMAP_RATE_MAX)
		t->sample_rate = v;
	else
		return -EINVAL;
	rm_hot_rate(rm);
	return 0;
}

int rm_get(struct remap *rm, const char *key, char *result, unsigned int maxlen)
{
	const struct remap_table *t = &rm->table;
	unsigned int sz = 0;

	if (!strcmp(key, "pending_write"))
		DMEMIT("%s", remap_pending_write_name(t->pending_write));
	else if (!strcmp(key, "alloc"))
		DMEMIT("%s", remap_alloc_name(t->alloc));
	else if (!strcmp(key, "salvage"))
		DMEMIT("%s", remap_switch_name(t->salvage));
	else if (!strcmp(key, "histogram"))
		DMEMIT("%s", remap_switch_name(t->histogram));
	else if (!strcmp(key, "scrub_rate"))
		DMEMIT("%llu", t->scrub_rate);
	else if (!strcmp(key, "sample_rate"))
		DMEMIT("%llu", t->sample_rate);
	else if (!strcmp(key, "read_retries"))
		DMEMIT("%llu", t->read_retries);
	else if (!strcmp(key, "error_burst"))
		DMEMIT("%llu", t->error_burst);
	else
		return -EINVAL;
	return 1;
}
