// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slot allocator.
 */
#include "format.h"
#include "slots.h"

void rm_slots_init(struct rm_slots *s, u32 n, u8 *state, u32 *wear)
{
	memset(s, 0, sizeof(*s));
	s->n = n;
	s->free = n;
	s->state = state;
	s->wear = wear;
	memset(state, RM_SLOT_FREE, n);
	memset(wear, 0, (size_t)n * sizeof(*wear));
}

static u32 *count_of(struct rm_slots *s, u8 state)
{
	switch (state) {
	case RM_SLOT_FREE:
		return &s->free;
	case RM_SLOT_BAD:
		return &s->bad;
	case RM_SLOT_HELD:
		return &s->held;
	default:
		return &s->used;
	}
}

void rm_slots_set(struct rm_slots *s, u32 slot, u8 state)
{
	--*count_of(s, s->state[slot]);
	s->state[slot] = state;
	++*count_of(s, state);
}

void rm_slots_release_held(struct rm_slots *s)
{
	u32 i;

	for (i = 0; s->held && i < s->n; i++)
		if (s->state[i] == RM_SLOT_HELD)
			rm_slots_set(s, i, RM_SLOT_FREE);
}

u32 rm_slots_take_first(const struct rm_slots *s)
{
	u32 i;

	for (i = 0; s->free && i < s->n; i++)
		if (s->state[i] == RM_SLOT_FREE)
			return i;
	return RM_NO_SLOT;
}

u32 rm_slots_take_near(const struct rm_slots *s, u32 near)
{
	u32 d;

	for (d = 0; s->free && d < s->n; d++) {
		if (near + d < s->n && s->state[near + d] == RM_SLOT_FREE)
			return near + d;
		if (near >= d && near - d < s->n && s->state[near - d] == RM_SLOT_FREE)
			return near - d;
	}
	return RM_NO_SLOT;
}

/* Next fit among the slots that are worn least. */
u32 rm_slots_take_wear(struct rm_slots *s)
{
	u32 i, min = ~(u32)0, best = RM_NO_SLOT;

	for (i = 0; s->free && i < s->n; i++) {
		u32 at = s->cursor < s->n - i ? s->cursor + i : s->cursor - (s->n - i);

		if (s->state[at] != RM_SLOT_FREE)
			continue;
		if (s->wear[at] < min || best == RM_NO_SLOT) {
			min = s->wear[at];
			best = at;
		}
		if (min <= s->level)
			break;
	}
	if (best != RM_NO_SLOT) {
		s->level = min;
		s->cursor = best + 1 < s->n ? best + 1 : 0;
	}
	return best;
}
