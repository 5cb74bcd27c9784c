// SPDX-License-Identifier: GPL-2.0-only
/*
 * Space-saving.
 */
#include "topk.h"

static void age(struct rm_topk *t)
{
	unsigned int i;

	t->added = 0;
	for (i = 0; i < t->n; i++) {
		t->entry[i].count /= 2;
		t->entry[i].over /= 2;
	}
}

void rm_topk_add(struct rm_topk *t, u64 key)
{
	struct rm_topk_entry e;
	unsigned int i;

	for (i = 0; i < t->n; i++)
		if (t->entry[i].key == key)
			break;
	if (i == t->n && t->n < RM_TOPK) {
		t->entry[t->n++] = (struct rm_topk_entry) { .key = key };
	} else if (i == t->n) {
		/* takes the place, and the count, of the least frequent one */
		i--;
		t->entry[i].key = key;
		t->entry[i].over = t->entry[i].count;
	}
	e = t->entry[i];
	e.count++;
	for (; i && t->entry[i - 1].count < e.count; i--)
		t->entry[i] = t->entry[i - 1];
	t->entry[i] = e;
	if (++t->added >= RM_TOPK_AGE)
		age(t);
}
