// SPDX-License-Identifier: GPL-2.0-only
/*
 * Latency histograms.  The clock is not looked at while no target has them on.
 */
#include "dm-remap.h"

DEFINE_STATIC_KEY_FALSE(rm_hist_key);

void rm_hist_begin(struct remap *rm, struct rm_io *io)
{
	if (READ_ONCE(rm->hist_on))
		io->start = ktime_get_ns();
}

/* @where: where the bio last came from; nowhere if the worker has served it */
void rm_hist_end(struct remap *rm, const struct bio *bio, const struct rm_io *io, u8 where)
{
	enum rm_hist_kind kind = op_is_write(bio_op(bio)) ? RM_HIST_WRITE : RM_HIST_READ;

	if (where == RM_AT_NONE)
		kind = RM_HIST_SLOW;
	else if (where == RM_AT_SPARE)
		kind = RM_HIST_REMAPPED;
	this_cpu_inc(rm->hist->count[kind][rm_hist_bucket(ktime_get_ns() - io->start)]);
}

static DEFINE_MUTEX(switch_lock);

/* Not under rm->lock: whoever plugs CPUs may be waiting for our I/O. */
void rm_hist_set(struct remap *rm, bool on)
{
	mutex_lock(&switch_lock);
	if (on != rm->hist_on) {
		WRITE_ONCE(rm->hist_on, on);
		if (on)
			static_branch_inc(&rm_hist_key);
		else
			static_branch_dec(&rm_hist_key);
	}
	mutex_unlock(&switch_lock);
}

int rm_hist_new(struct remap *rm)
{
	rm->hist = alloc_percpu(struct rm_hist);
	return rm->hist ? 0 : -ENOMEM;
}

void rm_hist_free(struct remap *rm)
{
	rm_hist_set(rm, false);
	free_percpu(rm->hist);
}

void rm_hist_reset(struct remap *rm)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(rm->hist, cpu), 0, sizeof(*rm->hist));
}

static u64 sum_of(const struct remap *rm, unsigned int kind, unsigned int bucket)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(rm->hist, cpu)->count[kind][bucket]);
	return sum;
}

int rm_hist_reply(const struct remap *rm, char *result, unsigned int maxlen)
{
	static const char *const names[RM_HIST_KINDS] = { "read", "write", "remapped", "slow" };
	unsigned int sz = 0, kind, i;

	DMEMIT("enabled=%s first_ns=%u buckets=%u",
	       remap_switch_name(rm->hist_on ? REMAP_ON : REMAP_OFF), RM_HIST_FIRST_NS,
	       RM_HIST_BUCKETS);
	for (kind = 0; kind < RM_HIST_KINDS; kind++) {
		DMEMIT(" %s=", names[kind]);
		for (i = 0; i < RM_HIST_BUCKETS; i++)
			DMEMIT("%s%llu", i ? "," : "", sum_of(rm, kind, i));
	}
	return 1;
}
