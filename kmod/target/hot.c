// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where users' I/O and errors gather.  I/O is sampled on each CPU by itself;
 * what was sampled is counted later, off the way of any bio.
 */
#include <linux/slab.h>

#include "../core/hotspots.h"
#include "../core/topk.h"
#include "dm-remap.h"

/* What has fewer is not worth taking out of its run. */
#define HOT_SAMPLES	8

struct rm_hot {
	struct remap *rm;
	struct work_struct work;
	struct rm_topk blocks;		/* under rm->lock, as the rest */
	struct rm_hotspots errors;
};

/* The next sample is about @rate I/Os away, so that no pattern hides from it. */
static u32 next_sample(struct rm_stats *st, u32 rate)
{
	st->random = st->random * 1664525 + 1013904223;
	return max(1U, rate / 2 + (st->random >> 8) % rate);
}

void rm_hot_sample(struct remap *rm, sector_t off)
{
	u32 rate = READ_ONCE(rm->table.sample_rate);
	struct rm_stats *st = raw_cpu_ptr(rm->stats);
	unsigned int at;

	if (!rate) {
		st->until_sample = U32_MAX;
		return;
	}
	st->until_sample = next_sample(st, rate);
	at = st->samples++ % RM_SAMPLES;
	WRITE_ONCE(st->sample[at], (off >> rm->shift) + 1);
	if (at == RM_SAMPLES - 1)
		queue_work(rm->wq, &rm->hot->work);
}

/* What other CPUs add meanwhile is taken now or the next time, or lost. */
static void take_samples(struct remap *rm)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rm_stats *st = per_cpu_ptr(rm->stats, cpu);

		for (i = 0; i < RM_SAMPLES; i++) {
			u64 sample = READ_ONCE(st->sample[i]);

			if (!sample)
				continue;
			WRITE_ONCE(st->sample[i], 0);
			rm_topk_add(&rm->hot->blocks, sample - 1);
		}
	}
}

static void hot_work(struct work_struct *work)
{
	struct rm_hot *hot = container_of(work, struct rm_hot, work);

	mutex_lock(&hot->rm->lock);
	take_samples(hot->rm);
	mutex_unlock(&hot->rm->lock);
}

/* The sample rate has been set. */
void rm_hot_rate(struct remap *rm)
{
	u32 rate = rm->table.sample_rate;
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(rm->stats, cpu)->until_sample = rate ? max(1U, rate / 2) : U32_MAX;
}

void rm_hot_error(struct remap *rm, u64 block)
{
	rm_hotspots_error(&rm->hot->errors, block << rm->shift, ktime_get_boottime_seconds());
}

void rm_hot_status(const struct remap *rm, struct remap_status *st)
{
	u64 now = ktime_get_boottime_seconds();

	st->hot_regions = rm_hotspots_regions(&rm->hot->errors, now);
	st->error_clusters = rm_hotspots_clusters(&rm->hot->errors, now);
}

/* The hottest blocks first; the cursor is a rank. */
unsigned int rm_list_hot(struct remap *rm, u64 cursor, char *result, unsigned int maxlen)
{
	const struct rm_topk *t = &rm->hot->blocks;
	unsigned int sz = 0;
	u64 i;

	take_samples(rm);
	for (i = cursor; i < t->n; i++) {
		const struct rm_topk_entry *e = &t->entry[i];

		if (sz + RM_LIST_LINE > maxlen) {
			DMEMIT("next=%llu\n", i);
			break;
		}
		DMEMIT("%llu 1 hot samples=%u over=%u\n", e->key, e->count, e->over);
	}
	return sz;
}

static u64 ago(u64 now, u64 then)
{
	u64 real = ktime_get_real_seconds();

	return real - min(real, now - min(now, then));
}

/* Clusters, then hot regions; the cursor counts both. */
unsigned int rm_list_errors(struct remap *rm, u64 cursor, char *result, unsigned int maxlen)
{
	const struct rm_hotspots *h = &rm->hot->errors;
	u64 now = ktime_get_boottime_seconds(), at = 0, from = 0;
	const struct rm_region *r;
	unsigned int sz = 0, i;

	for (i = 0; i < h->n_clusters; i++) {
		const struct rm_cluster *c = &h->cluster[i];

		if (!rm_cluster_counts(c, now) || at++ < cursor)
			continue;
		if (sz + RM_LIST_LINE > maxlen)
			goto full;
		DMEMIT("%llu %llu cluster errors=%u since=%llu time=%llu\n", c->first >> rm->shift,
		       (c->last >> rm->shift) - (c->first >> rm->shift) + 1, c->errors,
		       ago(now, c->since), ago(now, c->time));
	}
	for (; (r = rm_hotspots_region_from(h, from, now)); from = r->region + 1) {
		u64 first = r->region << RM_REGION_SHIFT >> rm->shift;
		u64 blocks = (1ULL << RM_REGION_SHIFT) >> rm->shift;

		if (at++ < cursor)
			continue;
		if (sz + RM_LIST_LINE > maxlen)
			goto full;
		DMEMIT("%llu %llu region errors=%u weight=%llu time=%llu\n", first,
		       min(blocks, rm->blocks - first), r->errors,
		       (u64)rm_region_weight(r, now) * 1000 / RM_WEIGHT_ONE, ago(now, r->time));
	}
	return sz;
full:
	DMEMIT("next=%llu\n", at - 1);
	return sz;
}

/* The hot blocks of a range, the hottest first; RM_NO_BLOCK behind the last one. */
u64 rm_hot_block(struct remap *rm, unsigned int rank, u64 first, u64 last)
{
	const struct rm_topk *t = &rm->hot->blocks;
	unsigned int i;

	if (!rank)
		take_samples(rm);
	for (i = 0; i < t->n; i++) {
		if (t->entry[i].key < first || t->entry[i].key > last ||
		    t->entry[i].count - t->entry[i].over < HOT_SAMPLES)
			continue;
		if (!rank--)
			return t->entry[i].key;
	}
	return RM_NO_BLOCK;
}

int rm_hot_new(struct remap *rm)
{
	rm->hot = kzalloc(sizeof(*rm->hot), GFP_KERNEL);
	if (!rm->hot)
		return -ENOMEM;
	rm->hot->rm = rm;
	INIT_WORK(&rm->hot->work, hot_work);
	return 0;
}

void rm_hot_free(struct remap *rm)
{
	if (rm->hot)
		cancel_work_sync(&rm->hot->work);
	kfree(rm->hot);
}
