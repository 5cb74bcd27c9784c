// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages.  Each one answers; a bad one is refused with a line in the log.
 */
#include <linux/sched/signal.h>

#include "dm-remap.h"

struct reply {
	char *result;
	unsigned int maxlen;
	const char *why;	/* it is refused */
};

static int ok(struct reply *re, const char *fmt, ...) __printf(2, 3);
static int ok(struct reply *re, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(re->result, re->maxlen, fmt, args);
	va_end(args);
	return 1;
}

static int refuse(struct reply *re, int r, const char *why)
{
	re->why = why;
	return r;
}

/* What is pending because of a read error is tried on main no longer. */
static int set_pending(struct remap *rm, u64 block)
{
	struct rm_entry e;

	rm_entry(rm, block, &e);
	if (e.state != REMAP_BLOCK_CLEAN && e.state != REMAP_BLOCK_PENDING)
		return -EINVAL;
	/* what is asked for lasts, or is refused */
	if (e.state == REMAP_BLOCK_CLEAN && !rm_pending_has_room(rm))
		return -ENOSPC;
	if (e.state == REMAP_BLOCK_CLEAN || e.reason != REMAP_REASON_MANUAL)
		rm_set_pending(rm, block, REMAP_REASON_MANUAL);
	return 0;
}

static int clear_pending(struct remap *rm, u64 block)
{
	struct rm_entry e;

	if (!rm_entry(rm, block, &e))
		return 0;
	if (e.state != REMAP_BLOCK_PENDING)
		return -EINVAL;
	rm_set_clean(rm, &e);
	return 0;
}

static int move_to_slot(struct remap *rm, u64 block)
{
	u64 before = rm->n_remapped;
	int r = rm_move_to_slot(rm, block, REMAP_REASON_MANUAL);

	if (!r && rm->n_remapped != before)
		rm_count(rm, RM_STAT_MANUAL_REMAPS);
	return r;
}

/* Blocks that are used most are moved first; what fails here stops the range in its turn. */
static void hot_first(struct remap *rm, u64 first, u64 count)
{
	unsigned int rank, did;
	struct rm_entry e;
	u64 block;

	for (rank = 0; rm->active && rm_mode(rm) <= REMAP_MODE_MAINT; rank++) {
		block = rm_hot_block(rm, rank, first, first + count - 1);
		if (block == RM_NO_BLOCK)
			return;
		if (!rm_entry(rm, block, &e))
			rm_change(rm, block, 1, move_to_slot, &did);
	}
}

static int on_range(struct remap *rm, struct reply *re, unsigned int argc, char **argv,
		    rm_block_op op)
{
	u64 first, count = 1, done = 0;
	int r = 0;

	if (argc < 1 || argc > 2 || remap_u64_parse(argv[0], &first) ||
	    (argc == 2 && remap_u64_parse(argv[1], &count)))
		return refuse(re, -EINVAL, "expected <block> [<count>]");
	if (!count || first >= rm->blocks || count > rm->blocks - first)
		return refuse(re, -EINVAL, "blocks out of range");

	if (op == move_to_slot && count > 1)
		hot_first(rm, first, count);
	while (done < count && !r) {
		unsigned int n = min_t(u64, count - done, RM_BATCH_BIOS), did = 0;

		if (rm_mode(rm) > REMAP_MODE_MAINT)
			r = -EIO;
		else if (fatal_signal_pending(current) || !rm->active)
			r = -EINTR;
		else
			r = rm_change(rm, first + done, n, op, &did);
		done += did;
		if (!r && done < count) {
			mutex_unlock(&rm->lock);
			cond_resched();
			mutex_lock(&rm->lock);
		}
	}
	if (!r)
		return ok(re, "ok done=%llu", done);
	DMWARN("%s: stopped at block %llu with %d, done=%llu", dm_table_device_name(rm->ti->table),
	       first + done, r, done);
	if (done)
		return ok(re, "failed done=%llu block=%llu error=%d", done, first + done, -r);
	return refuse(re, r, "the first block failed");
}

static int do_remap(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	return on_range(rm, re, argc, argv, move_to_slot);
}

static int do_unmap(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	return on_range(rm, re, argc, argv, rm_move_to_main);
}

static int do_pending(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "add"))
		return on_range(rm, re, argc - 1, argv + 1, set_pending);
	if (argc && !strcmp(argv[0], "clear"))
		return on_range(rm, re, argc - 1, argv + 1, clear_pending);
	return refuse(re, -EINVAL, "expected add or clear");
}

static int do_query(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	u64 sector;

	if (argc != 1 || remap_u64_parse(argv[0], &sector) || sector >= rm->ti->len)
		return refuse(re, -EINVAL, "expected a sector of the target");
	return rm_query(rm, sector, re->result, re->maxlen);
}

static int do_list(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	u64 cursor = 0;
	int r;

	if (argc < 1 || argc > 2 || (argc == 2 && remap_u64_parse(argv[1], &cursor)))
		return refuse(re, -EINVAL, "expected <what> [<cursor>]");
	r = rm_list(rm, argv[0], cursor, re->result, re->maxlen);
	return r < 0 ? refuse(re, r, "no such list") : r;
}

static int do_stats(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	if (!argc)
		return rm_stats_reply(rm, re->result, re->maxlen);
	if (argc > 1 || strcmp(argv[0], "reset"))
		return refuse(re, -EINVAL, "expected nothing or reset");
	rm_stats_reset(rm);
	return ok(re, "ok reset=1");
}

static int do_set(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	if (argc != 2 || rm_set(rm, argv[0], argv[1]))
		return refuse(re, -EINVAL, "no such setting, or not such a value");
	return ok(re, "ok %s=%s", argv[0], argv[1]);
}

static int do_get(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	int r = argc == 1 ? rm_get(rm, argv[0], re->result, re->maxlen) : -EINVAL;

	return r < 0 ? refuse(re, r, "no such setting") : r;
}

static int do_maintenance(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	unsigned int i;
	bool on;
	int r = 0;

	if (argc != 1 || (strcmp(argv[0], "on") && strcmp(argv[0], "off")))
		return refuse(re, -EINVAL, "expected on or off");
	if (rm->read_only)
		return refuse(re, -EROFS, "the device is read-only");
	on = !strcmp(argv[0], "on");
	if (on == rm_mode_is(rm, REMAP_MODE_MAINT))
		return ok(re, "ok maintenance=%s", argv[0]);
	for (i = 0; i < rm->n_spares && !r; i++) {
		rm->spare[i].super.flags ^= RM_SB_MAINT;
		r = rm_super_write(rm, &rm->spare[i]);
	}
	if (r) {
		/* also on those that took it */
		while (i--) {
			rm->spare[i].super.flags ^= RM_SB_MAINT;
			rm_super_write(rm, &rm->spare[i]);
		}
		return refuse(re, r, "the superblock cannot be written");
	}
	if (on)
		rm_mode_set(rm, REMAP_MODE_MAINT, "an operator's word");
	else
		rm_mode_clear(rm, REMAP_MODE_MAINT);
	return ok(re, "ok maintenance=%s", argv[0]);
}

static int do_checkpoint(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	if (argc)
		return refuse(re, -EINVAL, "trailing words");
	rm_record_wear(rm);
	if (rm_commit_or_undo(rm))
		return refuse(re, -EIO, "the metadata cannot be written");
	return ok(re, "ok md_gen=%llu", rm->gen);
}

static int do_histogram(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	if (!argc)
		return rm_hist_reply(rm, re->result, re->maxlen);
	if (argc > 1 || strcmp(argv[0], "reset"))
		return refuse(re, -EINVAL, "expected nothing or reset");
	rm_hist_reset(rm);
	return ok(re, "ok reset=1");
}

static int do_rebalance(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	unsigned int moved;
	int r;

	if (argc)
		return refuse(re, -EINVAL, "trailing words");
	r = rm_level(rm, &moved);
	if (r && !moved)
		return refuse(re, r, "the most worn slot cannot be moved");
	if (r)
		return ok(re, "failed moved=%u error=%d", moved, -r);
	return ok(re, "ok moved=%u", moved);
}

static int do_evacuate(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	bool abandon = argc == 2 && !strcmp(argv[1], "abandon");
	u64 index, moved, block;
	int r;

	if (argc < 1 || argc > 2 || (argc == 2 && !abandon) ||
	    remap_u64_parse(argv[0], &index) || index >= rm->n_devs)
		return refuse(re, -EINVAL, "expected <spare> [abandon]");
	if (rm_mode(rm) > REMAP_MODE_MAINT)
		return refuse(re, -EIO, "the metadata cannot be written");
	r = rm_evacuate(rm, index, abandon, &moved, &block);
	if (r == -EBUSY)
		return refuse(re, r, "no other spare could take what it holds");
	if (!r)
		return ok(re, "ok moved=%llu", moved);
	if (block != RM_NO_BLOCK)
		DMWARN("%s: what spare %llu holds of block %llu cannot be read", rm_name(rm),
		       index, block);
	if (!moved)
		return refuse(re, r, "what the spare holds cannot be moved");
	if (block != RM_NO_BLOCK)
		return ok(re, "failed moved=%llu block=%llu error=%d", moved, block, -r);
	return ok(re, "failed moved=%llu error=%d", moved, -r);
}

static int do_recover(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	int r;

	if (argc)
		return refuse(re, -EINVAL, "trailing words");
	r = rm_recover(rm);
	if (r)
		return refuse(re, r, "spare or metadata are not in order");
	return ok(re, "ok mode=%s", remap_mode_name(rm_mode(rm)));
}

static int do_mark_slot_bad(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	struct rm_range busy = { .first = 0, .last = rm->blocks };
	u64 slot;
	int r;

	if (argc != 1 || remap_u64_parse(argv[0], &slot) || slot >= rm->slots.n)
		return refuse(re, -EINVAL, "expected a slot");
	if (rm_mode(rm) > REMAP_MODE_MAINT || rm_commit_or_undo(rm))
		return refuse(re, -EIO, "the metadata cannot be written");
	rm_publish(rm, &busy, 1, true);
	r = rm_replace_slot(rm, slot);
	if (rm_commit_or_undo(rm) && !r)
		r = -EIO;
	rm_publish(rm, NULL, 0, false);
	if (r)
		return refuse(re, r, "what the slot holds cannot be moved");
	return ok(re, "ok slot=%llu", slot);
}

static int scrub_start(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	u64 rate = RM_SCRUB_RATE_SET;

	if (argc > 1 || (argc && (remap_u64_parse(argv[0], &rate) || rate >= REMAP_RATE_MAX)))
		return refuse(re, -EINVAL, "expected nothing or KiB/s");
	if (rm_mode(rm) != REMAP_MODE_RW)
		return refuse(re, -EPERM, "no scrub in this mode");
	if (rm_scrub_start(rm, rate))
		return refuse(re, -EIO, "the superblock cannot be written");
	return 1;
}

static int scrub_sample(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	u64 n;
	int r;

	if (argc != 1 || remap_u64_parse(argv[0], &n) || !n)
		return refuse(re, -EINVAL, "expected a number of blocks");
	if (rm_mode(rm) != REMAP_MODE_RW)
		return refuse(re, -EPERM, "no scrub in this mode");
	r = rm_scrub_sample(rm, n, re->result, re->maxlen);
	return r < 0 ? refuse(re, r, "the sample ended before its time") : r;
}

static int do_scrub(struct remap *rm, struct reply *re, unsigned int argc, char **argv)
{
	const char *what = argc ? argv[0] : "";
	int r = 0;

	if (!strcmp(what, "sample"))
		return scrub_sample(rm, re, argc - 1, argv + 1);
	if (!strcmp(what, "start"))
		r = scrub_start(rm, re, argc - 1, argv + 1);
	else if (argc == 1 && !strcmp(what, "stop"))
		r = rm_scrub_end(rm, REMAP_SCRUB_IDLE);
	else if (argc == 1 && !strcmp(what, "pause"))
		r = rm_scrub_end(rm, REMAP_SCRUB_PAUSED);
	else if (argc != 1 || strcmp(what, "status"))
		return refuse(re, -EINVAL, "expected start, stop, pause, sample or status");
	if (r < 0)
		return re->why ? r : refuse(re, r, "the superblock cannot be written");
	return rm_scrub_reply(rm, re->result, re->maxlen);
}

static const struct {
	const char *name;
	int (*run)(struct remap *rm, struct reply *re, unsigned int argc, char **argv);
	bool changes;	/* not while suspended */
} messages[] = {
	{ "remap", do_remap, true },
	{ "unmap", do_unmap, true },
	{ "pending", do_pending, true },
	{ "query", do_query, false },
	{ "list", do_list, false },
	{ "stats", do_stats, false },
	{ "set", do_set, false },
	{ "get", do_get, false },
	{ "maintenance", do_maintenance, true },
	{ "scrub", do_scrub, true },
	{ "histogram", do_histogram, false },
	{ "rebalance", do_rebalance, true },
	{ "checkpoint", do_checkpoint, true },
	{ "recover", do_recover, true },
	{ "mark_slot_bad", do_mark_slot_bad, true },
	{ "evacuate", do_evacuate, true },
};

int remap_message(struct dm_target *ti, unsigned int argc, char **argv,
		  char *result, unsigned int maxlen)
{
	struct remap *rm = ti->private;
	struct reply re = { .result = result, .maxlen = maxlen };
	unsigned int i;
	int r = -EINVAL;

	for (i = 0; i < ARRAY_SIZE(messages); i++)
		if (!strcasecmp(argv[0], messages[i].name))
			break;
	if (i == ARRAY_SIZE(messages)) {
		re.why = "no such message";
	} else {
		mutex_lock(&rm->lock);
		if (messages[i].changes && !rm->active)
			re.why = "the device is suspended";
		else
			r = messages[i].run(rm, &re, argc - 1, argv + 1);
		rm_scrub_kick(rm);
		mutex_unlock(&rm->lock);
	}
	if (r < 0)
		DMWARN("%s: message %s refused: %s (%d)", dm_table_device_name(ti->table),
		       argv[0], re.why ?: "invalid", r);
	return r;
}
