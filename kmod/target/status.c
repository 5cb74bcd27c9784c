// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status line, the table line and the counters.
 */
#include "dm-remap.h"

u64 rm_stat_sum(const struct remap *rm, enum rm_stat what)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(rm->stats, cpu)->count[what]);
	return sum;
}

void rm_stats_reset(struct remap *rm)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu)
		for (i = 0; i < RM_STAT_NR; i++)
			WRITE_ONCE(per_cpu_ptr(rm->stats, cpu)->count[i], 0);
}

static u64 copies_ok(const struct remap *rm)
{
	u64 ok = rm->copies;
	unsigned int i;

	if (rm_mode_is(rm, REMAP_MODE_RO_MD) || rm_mode_is(rm, REMAP_MODE_NO_SPARE) ||
	    rm_mode_is(rm, REMAP_MODE_FAIL))
		return 0;
	for (i = 0; i < rm->n_spares; i++)
		if (rm->spare[i].area < rm->set.n && !rm->spare[i].retired)
			ok = min_t(u64, ok, hweight32(rm->spare[i].super.mirror_mask));
	return ok;
}

static void wear_range(struct remap *rm, struct remap_status *st)
{
	u32 i, min = U32_MAX, max = 0;

	mutex_lock(&rm->shape_lock);
	for (i = 0; i < rm->slots.n; i++) {
		u32 wear = READ_ONCE(rm->slots.wear[i]);

		min = min(min, wear);
		max = max(max, wear);
		if (!(i & 0xffff))
			cond_resched();
	}
	mutex_unlock(&rm->shape_lock);
	st->wear_min = min == U32_MAX ? 0 : min;
	st->wear_max = max;
}

/*
 * 100, less up to 40 for the share of slots that are used or bad, 2 for each
 * pending and 5 for each lost block up to 30, 30 for metadata that cannot be
 * written or a spare that is gone, and 10 for a mirror that is missing.
 */
static int health_of(const struct remap *rm, const struct remap_status *st)
{
	u64 gone = st->slots_used + st->slots_bad;
	int health = 100;

	if (st->mode == REMAP_MODE_FAIL)
		return 0;
	if (st->slots)
		health -= (int)mul_u64_u64_div_u64(40, gone, st->slots);
	health -= (int)min_t(u64, 30, 2 * st->pending + 5 * st->lost);
	if (rm_mode_is(rm, REMAP_MODE_RO_MD) || rm_mode_is(rm, REMAP_MODE_NO_SPARE))
		health -= 30;
	else if (st->md_copies_ok < st->md_copies)
		health -= 10;
	return max(health, 0);
}

static void collect(struct remap *rm, struct remap_status *st)
{
	memset(st, 0, sizeof(*st));
	st->mode = rm_mode(rm);
	st->block_size = rm->block_size;
	st->md_gen = READ_ONCE(rm->gen);
	st->md_copies_ok = copies_ok(rm);
	st->md_copies = rm->copies;
	st->slots = rm->slots.n - READ_ONCE(rm->slots.closed);
	st->slots_used = READ_ONCE(rm->slots.used);
	st->slots_bad = READ_ONCE(rm->slots.bad);
	st->remaps = READ_ONCE(rm->n_remapped);
	st->pending = READ_ONCE(rm->n_pending);
	st->lost = READ_ONCE(rm->n_lost);
	st->rehabilitated = rm_stat_sum(rm, RM_STAT_REHABILITATED);
	st->salvaged = rm_stat_sum(rm, RM_STAT_SALVAGED);
	st->auto_remaps = rm_stat_sum(rm, RM_STAT_AUTO_REMAPS);
	st->manual_remaps = rm_stat_sum(rm, RM_STAT_MANUAL_REMAPS);
	st->predicted_remaps = rm_stat_sum(rm, RM_STAT_PREDICTED_REMAPS);
	st->read_errors = rm_stat_sum(rm, RM_STAT_READ_ERRORS);
	st->write_errors = rm_stat_sum(rm, RM_STAT_WRITE_ERRORS);
	st->nonmedia_errors = rm_stat_sum(rm, RM_STAT_NONMEDIA_ERRORS);
	st->retries_ok = rm_stat_sum(rm, RM_STAT_RETRIES_OK);
	st->reads = rm_stat_sum(rm, RM_STAT_READS);
	st->writes = rm_stat_sum(rm, RM_STAT_WRITES);
	st->remapped_reads = rm_stat_sum(rm, RM_STAT_REMAPPED_READS);
	st->remapped_writes = rm_stat_sum(rm, RM_STAT_REMAPPED_WRITES);
	st->fast_path = rm_stat_sum(rm, RM_STAT_FAST);
	st->slow_path = rm_stat_sum(rm, RM_STAT_SLOW);
	st->cache_hits = rm_stat_sum(rm, RM_STAT_CACHE_HITS);
	st->cache_misses = rm_stat_sum(rm, RM_STAT_CACHE_MISSES);
	st->seq_ios = rm_stat_sum(rm, RM_STAT_SEQ);
	st->random_ios = rm_stat_sum(rm, RM_STAT_RANDOM);
	st->commits = rm_stat_sum(rm, RM_STAT_COMMITS);
	st->commit_fail = rm_stat_sum(rm, RM_STAT_COMMIT_FAIL);
	rm_scrub_status(rm, st);
	rm_hot_status(rm, st);
	st->last_error_s = READ_ONCE(rm->last_error);
	st->events = READ_ONCE(rm->events);
	wear_range(rm, st);
	st->health = health_of(rm, st);
}

static unsigned int emit_info(struct remap *rm, char *result, unsigned int maxlen)
{
	struct remap_status st;
	unsigned int sz = 0;

	collect(rm, &st);
	DMEMIT("%u %s", REMAP_GRAMMAR_VERSION, remap_mode_name(st.mode));
#define EMIT_U(name) DMEMIT(" " #name "=%llu", st.name);
#define EMIT_S(name) DMEMIT(" " #name "=%s", remap_scrub_state_name(st.name));
#define EMIT_H(name) DMEMIT(" " #name "=%lld", st.name);
	REMAP_STATUS_KEYS(EMIT_U, EMIT_S, EMIT_H)
#undef EMIT_U
#undef EMIT_S
#undef EMIT_H
	return sz;
}

/* "stats": the counters alone */
int rm_stats_reply(struct remap *rm, char *result, unsigned int maxlen)
{
	struct remap_status st;
	unsigned int sz = 0;

	collect(rm, &st);
#define WORD(name) DMEMIT("%s" #name "=%llu", sz ? " " : "", st.name)
	WORD(reads);
	WORD(writes);
	WORD(remapped_reads);
	WORD(remapped_writes);
	WORD(fast_path);
	WORD(slow_path);
	WORD(seq_ios);
	WORD(random_ios);
	WORD(read_errors);
	WORD(write_errors);
	WORD(nonmedia_errors);
	WORD(retries_ok);
	WORD(salvaged);
	WORD(rehabilitated);
	WORD(auto_remaps);
	WORD(manual_remaps);
	WORD(predicted_remaps);
	WORD(commits);
	WORD(commit_fail);
#undef WORD
	return 1;
}

static void emit_table(struct remap *rm, char *result, unsigned int maxlen)
{
	struct remap_table t = rm->table;
	unsigned int i;

	t.main_dev = rm->main->name;
	for (i = 0; i < rm->n_devs; i++)
		t.spare[i].dev = rm->spare[i].dev->name;
	remap_table_print(&t, result, maxlen);
}

void remap_status(struct dm_target *ti, status_type_t type,
		  unsigned int status_flags, char *result, unsigned int maxlen)
{
	struct remap *rm = ti->private;
	unsigned int sz = 0, i;

	switch (type) {
	case STATUSTYPE_INFO:
		emit_info(rm, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		emit_table(rm, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",main=%s,data_offset=%llu,n_spares=%u", rm->main->name,
		       (unsigned long long)rm->data_offset, rm->n_devs);
		for (i = 0; i < rm->n_devs; i++)
			DMEMIT(",spare_%u=%s,spare_%u_offset=%llu,spare_%u_len=%llu", i,
			       rm->spare[i].dev->name, i, (u64)rm->spare[i].offset, i,
			       (u64)rm->spare[i].table_len);
		DMEMIT(",block_size=%u,copies=%u;", rm->block_size, rm->copies);
		break;
	}
}
