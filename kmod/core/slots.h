/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which slots are free and which to take.
 */
#ifndef REMAP_SLOTS_H
#define REMAP_SLOTS_H

#include "compat.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RM_NO_SLOT	(~(u32)0)

/* state: enum rm_slot_state for each slot; wear: writes to each slot */
struct rm_slots {
	u32 n;
	u32 free;
	u32 used;	/* USED and LOST */
	u32 bad;
	u32 held;
	u32 cursor;
	u32 level;	/* wear that is still taken without looking further */
	u8 *state;
	u32 *wear;
};

void rm_slots_init(struct rm_slots *s, u32 n, u8 *state, u32 *wear);
void rm_slots_set(struct rm_slots *s, u32 slot, u8 state);
/* All held slots are free from now on: their release is durable. */
void rm_slots_release_held(struct rm_slots *s);

/* A free slot; the caller sets its state.  RM_NO_SLOT when there is none. */
u32 rm_slots_take_first(const struct rm_slots *s);
u32 rm_slots_take_near(const struct rm_slots *s, u32 near);
u32 rm_slots_take_wear(struct rm_slots *s);

#ifdef __cplusplus
}
#endif

#endif /* REMAP_SLOTS_H */
