/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where errors gather: a decaying count for each MiB, and clusters of errors
 * that are close in place and time.  Bounded: what is oldest goes first.
 */
#ifndef REMAP_HOTSPOTS_H
#define REMAP_HOTSPOTS_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_REGIONS_MAX		256
#define RM_CLUSTERS_MAX		64
#define RM_REGION_SHIFT		11		/* sectors: 1 MiB */
#define RM_CLUSTER_GAP		19531		/* sectors: 10 MB */
#define RM_CLUSTER_SECONDS	86400
#define RM_REGION_HALF_LIFE	86400		/* seconds */
#define RM_WEIGHT_ONE		65536		/* of one error that is just new */
#define RM_WEIGHT_HOT		(RM_WEIGHT_ONE + RM_WEIGHT_ONE / 2)

struct rm_region {
	u64 region;	/* sector >> RM_REGION_SHIFT */
	u64 time;	/* of the last error */
	u32 weight;	/* at that time */
	u32 errors;	/* all so far; 0: unused */
};

struct rm_cluster {
	u64 first;	/* sectors */
	u64 last;
	u64 since;
	u64 time;	/* of the last error */
	u32 errors;
};

struct rm_hotspots {
	unsigned int n_clusters;
	struct rm_cluster cluster[RM_CLUSTERS_MAX];	/* in order of place */
	struct rm_region region[RM_REGIONS_MAX];
};

/* An error at @sector at @now (seconds). */
void rm_hotspots_error(struct rm_hotspots *h, u64 sector, u64 now);
u32 rm_region_weight(const struct rm_region *r, u64 now);
/* Hot: the weight of two errors within half a day. */
bool rm_region_hot(const struct rm_region *r, u64 now);
/* More than one error, the last of them within 24 h. */
bool rm_cluster_counts(const struct rm_cluster *c, u64 now);
unsigned int rm_hotspots_regions(const struct rm_hotspots *h, u64 now);
unsigned int rm_hotspots_clusters(const struct rm_hotspots *h, u64 now);
/* The first region that is hot at or behind @region, or NULL. */
const struct rm_region *rm_hotspots_region_from(const struct rm_hotspots *h, u64 region, u64 now);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_HOTSPOTS_H */
