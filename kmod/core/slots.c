// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slot allocator.
 */
#include "slots.h"

#define LOW48		0xffffffffffffULL
#define WEAR_LOOKS	1024	/* free slots that are compared at most */

static u32 words_for(u32 bits)
{
	return bits / 64 + 1;
}

size_t rm_slots_bytes(u32 n)
{
	return (size_t)n * (sizeof(u64) + 2 * sizeof(u32) + sizeof(u16)) + 8 +
	       sizeof(u64) * (2 * (size_t)words_for(n) + words_for(words_for(n)));
}

static void set_bit_of(u64 *map, u32 bit)
{
	map[bit / 64] |= 1ULL << (bit % 64);
}

static void clear_bit_of(u64 *map, u32 bit)
{
	map[bit / 64] &= ~(1ULL << (bit % 64));
}

static void set_free(struct rm_slots *s, u32 slot, bool free)
{
	if (free)
		set_bit_of(s->free_map, slot);
	else
		clear_bit_of(s->free_map, slot);
	if (s->free_map[slot / 64])
		set_bit_of(s->free_sum, slot / 64);
	else
		clear_bit_of(s->free_sum, slot / 64);
}

static void set_held(struct rm_slots *s, u32 slot)
{
	u32 word = slot / 64;

	if (!s->held || word < s->held_low)
		s->held_low = word;
	if (!s->held || word > s->held_high)
		s->held_high = word;
	set_bit_of(s->held_map, slot);
}

void rm_slots_init(struct rm_slots *s, u32 n, void *mem)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	s->n = n;
	s->free = n;
	s->what = mem;
	s->free_map = s->what + n;
	s->free_sum = s->free_map + words_for(n);
	s->held_map = s->free_sum + words_for(words_for(n));
	s->wear = (u32 *)(s->held_map + words_for(n));
	s->time = s->wear + n;
	s->errors = (u16 *)(s->time + n);
	for (i = 0; i < n; i++)
		set_free(s, i, true);
}

static u32 *count_of(struct rm_slots *s, u8 state)
{
	switch (state) {
	case RM_SLOT_FREE:
		return &s->free;
	case RM_SLOT_BAD:
	case RM_SLOT_LEFT:
		return &s->bad;
	case RM_SLOT_HELD:
		return &s->held;
	case RM_SLOT_CLOSED:
		return &s->closed;
	default:
		return &s->used;
	}
}

static bool is_closed(const struct rm_slots *s, u32 slot)
{
	u32 i;

	for (i = 0; i < s->n_ranges; i++)
		if (slot >= s->range[i].first && slot < s->range[i].end)
			return true;
	return false;
}

void rm_slots_set(struct rm_slots *s, u32 slot, u8 state)
{
	u8 old = rm_slots_state(s, slot);

	if (state == RM_SLOT_FREE && is_closed(s, slot))
		state = RM_SLOT_CLOSED;
	if (old == state)
		return;
	if (state == RM_SLOT_HELD)
		set_held(s, slot);
	if (old == RM_SLOT_HELD)
		clear_bit_of(s->held_map, slot);
	--*count_of(s, old);
	++*count_of(s, state);
	s->what[slot] = (s->what[slot] & ~(0xffULL << 48)) | (u64)state << 48;
	if (old == RM_SLOT_FREE || state == RM_SLOT_FREE)
		set_free(s, slot, state == RM_SLOT_FREE);
}

void rm_slots_close(struct rm_slots *s, u32 first, u32 n)
{
	u32 i;

	if (s->n_ranges == RM_AREAS_MAX)
		return;
	s->range[s->n_ranges].first = first;
	s->range[s->n_ranges++].end = first + n;
	for (i = first; i < first + n; i++)
		if (rm_slots_state(s, i) == RM_SLOT_FREE)
			rm_slots_set(s, i, RM_SLOT_FREE);
}

void rm_slots_open(struct rm_slots *s, u32 first, u32 n)
{
	u32 i, kept = 0;

	for (i = 0; i < s->n_ranges; i++)
		if (s->range[i].first != first)
			s->range[kept++] = s->range[i];
	s->n_ranges = kept;
	for (i = first; i < first + n; i++)
		if (rm_slots_state(s, i) == RM_SLOT_CLOSED)
			rm_slots_set(s, i, RM_SLOT_FREE);
}

void rm_slots_get(const struct rm_slots *s, u32 slot, struct rm_slot_record *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->block = rm_slots_block(s, slot);
	rec->state = rm_slots_state(s, slot);
	rec->reason = (u8)(s->what[slot] >> 56);
	rec->time = s->time[slot];
	rec->errors = s->errors[slot];
	rec->wear = rm_read_once(s->wear[slot]);
}

void rm_slots_put(struct rm_slots *s, u32 slot, const struct rm_slot_record *rec)
{
	s->what[slot] = (rec->block & LOW48) | (u64)rm_slots_state(s, slot) << 48 |
			(u64)rec->reason << 56;
	s->time[slot] = rec->time;
	s->errors[slot] = rec->errors;
}

/* The lowest set bit at or behind @from and below @n; @n if there is none. */
static u32 next_bit(const u64 *map, u32 from, u32 n)
{
	u32 word = from / 64;
	u64 bits;

	if (from >= n)
		return n;
	bits = map[word] & (~0ULL << (from % 64));
	while (!bits) {
		if (++word > (n - 1) / 64)
			return n;
		bits = map[word];
	}
	from = word * 64 + rm_low_bit(bits);
	return min_t(u32, from, n);
}

/* The highest set bit at or below @from; RM_NO_SLOT if there is none. */
static u32 last_bit(const u64 *map, u32 from)
{
	u32 word = from / 64;
	u64 bits = map[word] & (~0ULL >> (63 - from % 64));

	while (!bits) {
		if (!word--)
			return RM_NO_SLOT;
		bits = map[word];
	}
	return word * 64 + rm_high_bit(bits);
}

/* The same for free slots, by way of the summary; s->n if there is none. */
static u32 next_free(const struct rm_slots *s, u32 from)
{
	u32 word = from / 64;

	if (from >= s->n)
		return s->n;
	if (s->free_map[word] >> (from % 64))
		return next_bit(s->free_map, from, s->n);
	word = next_bit(s->free_sum, word + 1, words_for(s->n));
	return word < words_for(s->n) ? next_bit(s->free_map, word * 64, s->n) : s->n;
}

static u32 last_free(const struct rm_slots *s, u32 from)
{
	u32 word = from / 64;

	if (s->free_map[word] << (63 - from % 64))
		return last_bit(s->free_map, from);
	word = word ? last_bit(s->free_sum, word - 1) : RM_NO_SLOT;
	return word == RM_NO_SLOT ? RM_NO_SLOT : last_bit(s->free_map, word * 64 + 63);
}

void rm_slots_release_held(struct rm_slots *s)
{
	u32 i, end = (s->held_high + 1) * 64;

	if (!s->held)
		return;
	if (end > s->n)
		end = s->n;
	for (i = next_bit(s->held_map, s->held_low * 64, end); i < end;
	     i = next_bit(s->held_map, i + 1, end))
		rm_slots_set(s, i, RM_SLOT_FREE);
}

u32 rm_slots_take_first(const struct rm_slots *s)
{
	return s->free ? next_free(s, 0) : RM_NO_SLOT;
}

u32 rm_slots_take_near(const struct rm_slots *s, u32 near)
{
	u32 up, down;

	if (!s->free)
		return RM_NO_SLOT;
	if (near >= s->n)
		near = s->n - 1;
	up = next_free(s, near);
	down = last_free(s, near);
	if (up == s->n)
		return down;
	return down == RM_NO_SLOT || up - near <= near - down ? up : down;
}

/* Next fit among the slots that are worn least of the next free ones. */
u32 rm_slots_take_wear(struct rm_slots *s)
{
	u32 looks = min_t(u32, s->free, WEAR_LOOKS);
	u32 at = s->cursor, min = 0, best = RM_NO_SLOT;

	while (looks--) {
		u32 wear;

		at = next_free(s, at);
		if (at == s->n)
			at = next_free(s, 0);
		wear = rm_read_once(s->wear[at]);
		if (best == RM_NO_SLOT || wear < min) {
			min = wear;
			best = at;
		}
		if (min <= s->level)
			break;
		at++;
	}
	if (best != RM_NO_SLOT) {
		s->level = min;
		s->cursor = best + 1 < s->n ? best + 1 : 0;
	}
	return best;
}

u32 rm_slots_take_behind(const struct rm_slots *s, u32 slot)
{
	if (slot >= s->n - 1 || rm_slots_state(s, slot + 1) != RM_SLOT_FREE ||
	    rm_read_once(s->wear[slot + 1]) > s->level + RM_WEAR_SLACK)
		return RM_NO_SLOT;
	return slot + 1;
}

bool rm_slots_unlevel(const struct rm_slots *s, u32 *from, u32 *to)
{
	u32 i, worst = 0, best = ~(u32)0;

	*from = RM_NO_SLOT;
	*to = RM_NO_SLOT;
	for (i = 0; i < s->n; i++) {
		u32 wear = rm_read_once(s->wear[i]);
		u8 state = rm_slots_state(s, i);

		if (state == RM_SLOT_USED && wear >= worst) {
			worst = wear;
			*from = i;
		}
		if (state == RM_SLOT_FREE && wear < best) {
			best = wear;
			*to = i;
		}
	}
	return *from != RM_NO_SLOT && *to != RM_NO_SLOT && worst > best &&
	       worst - best >= RM_WEAR_GAP && worst - best >= worst / 4;
}
