/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which blocks a sample reads, and what it says about those it did not.
 */
#ifndef REMAP_SAMPLE_H
#define REMAP_SAMPLE_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One random block of each of n strata, in an order any beginning of which is spread evenly. */
struct rm_sample {
	u64 base;	/* blocks of a stratum; */
	u64 extra;	/* so many strata have one more */
	u64 n;
	u64 step;
	u64 at;
	u64 taken;
	u64 random;
};

/* A sample of @n blocks, or of all if there are fewer. */
void rm_sample_init(struct rm_sample *s, u64 blocks, u64 n, u64 seed);
bool rm_sample_next(struct rm_sample *s, u64 *block);

#define RM_PPB	1000000000ULL

/*
 * The upper 95 % bound of the fraction of bad blocks when @bad of @read random
 * ones were, in parts of 1e9: 3 / read when none was (the rule of three), else
 * (bad + 1.6 + 1.645 sqrt(bad + 1)) / read.  That is never less than the exact
 * (Clopper-Pearson) bound: it is above the Poisson bound, which is above the
 * binomial one, and strata make the variance smaller still.
 */
u64 rm_bad_max_ppb(u64 read, u64 bad);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_SAMPLE_H */
