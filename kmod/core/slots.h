/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slots: what each one holds, which are free, and which to take.
 */
#ifndef REMAP_SLOTS_H
#define REMAP_SLOTS_H

#include "compat.h"
#include "format.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_NO_SLOT	(~(u32)0)

/*
 * 18 bytes and two bits for each slot: as much as a million of them may take.
 * A mask is not among them: those that are not full are kept elsewhere.
 */
struct rm_slots {
	u32 n;
	u32 free;
	u32 used;	/* USED and LOST */
	u32 bad;	/* BAD and LEFT */
	u32 held;
	u32 closed;
	u32 n_ranges;	/* of slots that are closed when they would be free */
	struct {
		u32 first;
		u32 end;
	} range[RM_AREAS_MAX];
	u32 cursor;
	u32 level;	/* wear that is taken without looking further */
	u32 held_low;	/* the words of held_map that may have a bit */
	u32 held_high;
	u64 *what;	/* block, state and reason, as in a record */
	u64 *free_map;
	u64 *free_sum;	/* a bit for each word of free_map that is not 0 */
	u64 *held_map;
	u32 *wear;	/* writes to the slot */
	u32 *time;
	u16 *errors;
};

/* How much memory @n slots take; all of it is in one piece and zeroed. */
size_t rm_slots_bytes(u32 n);
void rm_slots_init(struct rm_slots *s, u32 n, void *mem);
void rm_slots_set(struct rm_slots *s, u32 slot, u8 state);
/* The free ones of these slots are closed from now on, and what becomes free there. */
void rm_slots_close(struct rm_slots *s, u32 first, u32 n);
/* The same undone, for the same slots. */
void rm_slots_open(struct rm_slots *s, u32 first, u32 n);
/* All held slots are free from now on: their release is durable. */
void rm_slots_release_held(struct rm_slots *s);

static inline u8 rm_slots_state(const struct rm_slots *s, u32 slot)
{
	return (u8)(s->what[slot] >> 48);
}

/* The block a used, lost or left slot holds. */
static inline u64 rm_slots_block(const struct rm_slots *s, u32 slot)
{
	return s->what[slot] & 0xffffffffffffULL;
}

/* All of a slot's record but sequence and mask; the state is rm_slots_set()'s. */
void rm_slots_get(const struct rm_slots *s, u32 slot, struct rm_slot_record *rec);
void rm_slots_put(struct rm_slots *s, u32 slot, const struct rm_slot_record *rec);

/* A free slot; the caller sets its state.  RM_NO_SLOT when there is none. */
u32 rm_slots_take_first(const struct rm_slots *s);
u32 rm_slots_take_near(const struct rm_slots *s, u32 near);
u32 rm_slots_take_wear(struct rm_slots *s);
/* The one behind @slot if it is free and about as little worn as others are. */
u32 rm_slots_take_behind(const struct rm_slots *s, u32 slot);

#define RM_WEAR_SLACK	16	/* writes that nearness is worth */
#define RM_WEAR_GAP	16	/* writes, and a quarter, that a move is worth */

/*
 * The most worn slot in use, and the least worn free one, when what the first
 * holds ought to move to the second.
 */
bool rm_slots_unlevel(const struct rm_slots *s, u32 *from, u32 *to);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_SLOTS_H */
