// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts and clusters of errors.
 */
#include "hotspots.h"

u32 rm_region_weight(const struct rm_region *r, u64 now)
{
	u64 past = now > r->time ? now - r->time : 0;
	u64 lives = rm_div64(past, RM_REGION_HALF_LIFE);
	u64 rest = rm_mod64(past, RM_REGION_HALF_LIFE);
	u64 weight;

	if (lives > 31)
		return 0;
	weight = r->weight >> lives;
	/* a straight line between the halves is near enough */
	return (u32)(weight - rm_div64(weight * rest, 2 * RM_REGION_HALF_LIFE));
}

bool rm_region_hot(const struct rm_region *r, u64 now)
{
	return r->errors && rm_region_weight(r, now) >= RM_WEIGHT_HOT;
}

static void count_region(struct rm_hotspots *h, u64 region, u64 now)
{
	struct rm_region *at = &h->region[0];
	u32 weight;
	unsigned int i;

	for (i = 0; i < RM_REGIONS_MAX; i++) {
		struct rm_region *r = &h->region[i];

		if (r->errors && r->region == region) {
			at = r;
			break;
		}
		if (at->errors && (!r->errors ||
				   rm_region_weight(r, now) < rm_region_weight(at, now)))
			at = r;
	}
	if (!at->errors || at->region != region)
		*at = (struct rm_region) { .region = region, .time = now };
	weight = rm_region_weight(at, now);
	at->weight = weight > ~(u32)0 - RM_WEIGHT_ONE ? weight : weight + RM_WEIGHT_ONE;
	at->time = now;
	if (at->errors < ~(u32)0)
		at->errors++;
}

static bool recent(const struct rm_cluster *c, u64 now)
{
	return now < c->time + RM_CLUSTER_SECONDS;
}

static void remove_cluster(struct rm_hotspots *h, unsigned int i)
{
	h->n_clusters--;
	memmove(&h->cluster[i], &h->cluster[i + 1], (h->n_clusters - i) * sizeof(h->cluster[0]));
}

static void make_room(struct rm_hotspots *h)
{
	unsigned int i, oldest = 0;

	if (h->n_clusters < RM_CLUSTERS_MAX)
		return;
	for (i = 1; i < h->n_clusters; i++)
		if (h->cluster[i].time < h->cluster[oldest].time)
			oldest = i;
	remove_cluster(h, oldest);
}

static void add_cluster(struct rm_hotspots *h, u64 sector, u64 now)
{
	unsigned int i;

	make_room(h);
	for (i = h->n_clusters; i && h->cluster[i - 1].first > sector; i--)
		h->cluster[i] = h->cluster[i - 1];
	h->cluster[i] = (struct rm_cluster) {
		.first = sector, .last = sector, .since = now, .time = now, .errors = 1,
	};
	h->n_clusters++;
}

static bool close_to(const struct rm_cluster *c, u64 sector)
{
	return sector <= c->last + RM_CLUSTER_GAP && sector + RM_CLUSTER_GAP >= c->first;
}

/* The new error may have closed the gap to the next one. */
static void join_next(struct rm_hotspots *h, unsigned int i)
{
	struct rm_cluster *c = &h->cluster[i], *next = c + 1;

	if (i + 1 >= h->n_clusters || next->first > c->last + RM_CLUSTER_GAP)
		return;
	if (next->last > c->last)
		c->last = next->last;
	if (next->since < c->since)
		c->since = next->since;
	c->errors += next->errors;
	remove_cluster(h, i + 1);
}

static void count_cluster(struct rm_hotspots *h, u64 sector, u64 now)
{
	unsigned int i;

	for (i = 0; i < h->n_clusters; ) {
		if (recent(&h->cluster[i], now))
			i++;
		else
			remove_cluster(h, i);
	}
	for (i = 0; i < h->n_clusters; i++) {
		struct rm_cluster *c = &h->cluster[i];

		if (!close_to(c, sector))
			continue;
		if (sector < c->first)
			c->first = sector;
		if (sector > c->last)
			c->last = sector;
		c->time = max_t(u64, now, c->time);
		if (c->errors < ~(u32)0)
			c->errors++;
		join_next(h, i);
		return;
	}
	add_cluster(h, sector, now);
}

void rm_hotspots_error(struct rm_hotspots *h, u64 sector, u64 now)
{
	count_region(h, sector >> RM_REGION_SHIFT, now);
	count_cluster(h, sector, now);
}

bool rm_cluster_counts(const struct rm_cluster *c, u64 now)
{
	return c->errors > 1 && recent(c, now);
}

unsigned int rm_hotspots_regions(const struct rm_hotspots *h, u64 now)
{
	unsigned int i, n = 0;

	for (i = 0; i < RM_REGIONS_MAX; i++)
		n += rm_region_hot(&h->region[i], now);
	return n;
}

unsigned int rm_hotspots_clusters(const struct rm_hotspots *h, u64 now)
{
	unsigned int i, n = 0;

	for (i = 0; i < h->n_clusters; i++)
		n += rm_cluster_counts(&h->cluster[i], now);
	return n;
}

const struct rm_region *rm_hotspots_region_from(const struct rm_hotspots *h, u64 region, u64 now)
{
	const struct rm_region *best = NULL;
	unsigned int i;

	for (i = 0; i < RM_REGIONS_MAX; i++) {
		const struct rm_region *r = &h->region[i];

		if (r->region >= region && rm_region_hot(r, now) &&
		    (!best || r->region < best->region))
			best = r;
	}
	return best;
}
