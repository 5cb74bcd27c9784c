// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stratified random samples and their bound.
 */
#include "sample.h"

#define BAD_MAX		1000000000ULL	/* beyond it the bound says nothing new */

static u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;	/* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u64 gcd_of(u64 a, u64 b)
{
	while (b) {
		u64 t = rm_mod64(a, b);

		a = b;
		b = t;
	}
	return a;
}

void rm_sample_init(struct rm_sample *s, u64 blocks, u64 n, u64 seed)
{
	memset(s, 0, sizeof(*s));
	s->n = min_t(u64, n, blocks);
	s->random = seed;
	if (!s->n)
		return;
	s->base = rm_div64(blocks, s->n);
	s->extra = rm_mod64(blocks, s->n);
	/* steps of about the golden section, prime to n, come to all strata */
	s->step = rm_div64(s->n, 1000) * 618 + rm_div64(rm_mod64(s->n, 1000) * 618, 1000) + 1;
	while (gcd_of(s->step, s->n) != 1)
		s->step++;
	s->at = rm_mod64(next_random(&s->random), s->n);
}

bool rm_sample_next(struct rm_sample *s, u64 *block)
{
	u64 i = s->at, size = s->base + (i < s->extra);

	if (s->taken == s->n)
		return false;
	*block = i * s->base + min_t(u64, i, s->extra) +
		 rm_mod64(next_random(&s->random), size);
	s->taken++;
	s->at = rm_mod64(s->at + s->step, s->n);
	return true;
}

/* Rounded down. */
static u64 root_of(u64 v)
{
	u64 root = 0, bit = 1ULL << 62;

	while (bit > v)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (v >= root + bit) {
			v -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

u64 rm_bad_max_ppb(u64 read, u64 bad)
{
	u64 most;	/* in thousandths */

	if (!read || bad >= read || bad > BAD_MAX)
		return RM_PPB;
	if (!bad)
		most = 3000;
	else
		most = 1000 * bad + 1601 +
		       rm_div64(1645 * (root_of(1000000 * (bad + 1)) + 1), 1000);
	if (rm_div64(most, 1000) >= read)
		return RM_PPB;
	return rm_div64(most * (RM_PPB / 1000), read) + 1;
}
