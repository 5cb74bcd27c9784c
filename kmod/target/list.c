// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies to "list" and "query".
 */
#include "dm-remap.h"

static bool goes_on(const struct rm_entry *a, const struct rm_entry *b, u64 n)
{
	return b->block == a->block + n && b->state == a->state && b->reason == a->reason &&
	       b->mask == a->mask && b->errors == a->errors &&
	       (a->slot == RM_NO_SLOT ? b->slot == RM_NO_SLOT : b->slot == a->slot + n);
}

static unsigned int emit_run(const struct remap *rm, const struct rm_entry *e, u64 count,
			     char *result, unsigned int maxlen, unsigned int sz)
{
	DMEMIT("%llu %llu %s", e->block, count, remap_block_state_name(e->state));
	if (e->slot != RM_NO_SLOT)
		DMEMIT(" %u", e->slot);
	DMEMIT(" reason=%s errors=%u time=%u", remap_reason_name(e->reason), e->errors, e->time);
	if (e->slot != RM_NO_SLOT && e->mask != rm_full_mask(rm, e->block))
		DMEMIT(" valid=0x%llx", e->mask);
	DMEMIT("\n");
	return sz;
}

/* The first block in the state at or behind @block; only remapped ones can be many. */
static bool find(struct remap *rm, u8 state, u64 block, struct rm_entry *e)
{
	const struct rm_entry *special;
	unsigned long index = block;

	cond_resched();
	if (state != REMAP_BLOCK_REMAPPED) {
		xa_for_each_start(&rm->special, index, special, block) {
			*e = *special;
			if (e->state == state)
				return true;
		}
		return false;
	}
	while (rm_entry_from(rm, block, e)) {
		if (e->state == state)
			return true;
		block = e->block + 1;
	}
	return false;
}

static unsigned int list_blocks(struct remap *rm, u8 state, u64 cursor, char *result,
				unsigned int maxlen)
{
	unsigned int sz = 0;
	struct rm_entry e, next;
	bool more = find(rm, state, cursor, &e);

	while (more) {
		u64 n = 1;

		if (sz + RM_LIST_LINE > maxlen) {
			DMEMIT("next=%llu\n", e.block);
			break;
		}
		while ((more = find(rm, state, e.block + n, &next)) && goes_on(&e, &next, n))
			n++;
		sz = emit_run(rm, &e, n, result, maxlen, sz);
		e = next;
	}
	return sz;
}

static unsigned int list_bad_slots(struct remap *rm, u64 cursor, char *result,
				   unsigned int maxlen)
{
	unsigned int sz = 0;
	u64 slot;

	for (slot = cursor; slot < rm->slots.n; slot++) {
		if (rm_slots_state(&rm->slots, slot) != RM_SLOT_BAD)
			continue;
		if (sz + RM_LIST_LINE > maxlen) {
			DMEMIT("next=%llu\n", slot);
			break;
		}
		DMEMIT("%llu 1 bad %llu wear=%u\n", slot, slot, rm->slots.wear[slot]);
	}
	return sz;
}

/* Of each spare: how many areas it has, and what its slots hold. */
static unsigned int list_spares(struct remap *rm, u64 cursor, char *result, unsigned int maxlen)
{
	unsigned int sz = 0, i, areas;

	for (; cursor < rm->n_devs; cursor++) {
		const struct rm_spare *first = &rm->spare[cursor];
		u32 slot, slots = 0, used = 0, bad = 0;

		for (i = 0, areas = 0; i < rm->n_spares; i++) {
			const struct rm_spare *s = &rm->spare[i];

			if (s->index != cursor)
				continue;
			areas++;
			slots += s->layout.slots;
			for (slot = s->slot_base; slot < s->slot_base + s->layout.slots; slot++) {
				u8 state = rm_slots_state(&rm->slots, slot);

				used += state == RM_SLOT_USED || state == RM_SLOT_LOST;
				bad += state == RM_SLOT_BAD;
			}
			cond_resched();
		}
		DMEMIT("%llu %u %s slots=%u used=%u bad=%u device=%s\n", cursor, areas,
		       remap_block_state_name(first->retired ? REMAP_BLOCK_RETIRED :
					      REMAP_BLOCK_SPARE),
		       slots, used, bad, first->dev->name);
	}
	return sz;
}

int rm_list(struct remap *rm, const char *what, u64 cursor, char *result,
	    unsigned int maxlen)
{
	unsigned int sz;

	if (!strcmp(what, "remaps"))
		sz = list_blocks(rm, REMAP_BLOCK_REMAPPED, cursor, result, maxlen);
	else if (!strcmp(what, "pending"))
		sz = list_blocks(rm, REMAP_BLOCK_PENDING, cursor, result, maxlen);
	else if (!strcmp(what, "lost"))
		sz = list_blocks(rm, REMAP_BLOCK_LOST, cursor, result, maxlen);
	else if (!strcmp(what, "bad_slots"))
		sz = list_bad_slots(rm, cursor, result, maxlen);
	else if (!strcmp(what, "hot"))
		sz = rm_list_hot(rm, cursor, result, maxlen);
	else if (!strcmp(what, "spares"))
		sz = list_spares(rm, cursor, result, maxlen);
	else if (!strcmp(what, "errors"))
		sz = rm_list_errors(rm, cursor, result, maxlen);
	else
		return -EINVAL;
	if (!sz)
		DMEMIT("ok entries=0");
	else if (result[sz - 1] == '\n')
		result[sz - 1] = '\0';
	return 1;
}

int rm_query(struct remap *rm, sector_t sector, char *result, unsigned int maxlen)
{
	u64 block = sector >> rm->shift;
	unsigned int sz = 0;
	struct rm_entry e;
	bool clean = !rm_entry(rm, block, &e);

	DMEMIT("%llu %s block=%llu", (u64)sector, remap_block_state_name(e.state), block);
	if (clean)
		return 1;
	if (e.slot != RM_NO_SLOT) {
		struct rm_spare *s = rm_spare_of(rm, e.slot);

		DMEMIT(" slot=%u spare=%u spare_sector=%llu valid=0x%llx", e.slot, s->index,
		       (u64)(rm_slot_sector(rm, s, e.slot) + (sector & (rm->block_size - 1))),
		       e.mask);
	}
	DMEMIT(" reason=%s errors=%u time=%u", remap_reason_name(e.reason), e.errors, e.time);
	return 1;
}
