// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which resumed target a spare belongs to.  A reload hands over: the old
 * target lets go at suspend, the new one takes at resume and reads again what
 * has changed meanwhile.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "dm-remap.h"

struct rm_claim {
	struct list_head list;
	u8 uuid[RM_UUID_SIZE];
	const struct remap *owner;
	const struct remap *last;
	dev_t dev;		/* where it is while it has an owner */
	sector_t first;
	sector_t end;
	unsigned int users;
	bool owed;		/* by its last owner, as in struct rm_spare */
	bool doubtful;
};

static LIST_HEAD(claims);
static DEFINE_MUTEX(claims_lock);

static struct rm_claim *find(const u8 *uuid)
{
	struct rm_claim *c;

	list_for_each_entry(c, &claims, list)
		if (!memcmp(c->uuid, uuid, RM_UUID_SIZE))
			return c;
	return NULL;
}

/* Another active target's spare that lies on some of the same sectors. */
static bool overlaps(const struct remap *rm, const struct rm_spare *s)
{
	struct rm_claim *c;

	list_for_each_entry(c, &claims, list)
		if (c->owner && c->owner != rm && c->dev == s->dev->bdev->bd_dev &&
		    c->first < s->offset + s->table_len && s->offset < c->end)
			return true;
	return false;
}

bool rm_claim_overlaps(const struct remap *rm, const struct rm_spare *s)
{
	bool r;

	mutex_lock(&claims_lock);
	r = overlaps(rm, s);
	mutex_unlock(&claims_lock);
	return r;
}

bool rm_claimed_by_other(const struct remap *rm, const struct rm_spare *s)
{
	struct rm_claim *c;
	bool other;

	mutex_lock(&claims_lock);
	c = find(s->super.spare_uuid);
	other = c && c->owner && c->owner != rm;
	mutex_unlock(&claims_lock);
	return other;
}

/* @moved: another target has had the spare since this one did */
int rm_claim_take(struct remap *rm, struct rm_spare *s, bool *moved)
{
	struct rm_claim *c;
	int r = 0;

	if (s->claim && memcmp(s->claim->uuid, s->super.spare_uuid, RM_UUID_SIZE))
		rm_claim_forget(rm, s);
	mutex_lock(&claims_lock);
	if (overlaps(rm, s)) {
		r = -EBUSY;
		goto out;
	}
	c = find(s->super.spare_uuid);
	if (!c) {
		c = kzalloc(sizeof(*c), GFP_KERNEL);
		if (!c) {
			r = -ENOMEM;
			goto out;
		}
		memcpy(c->uuid, s->super.spare_uuid, RM_UUID_SIZE);
		list_add(&c->list, &claims);
	}
	if (c->owner && c->owner != rm) {
		r = -EBUSY;
		goto out;
	}
	if (s->claim != c) {
		c->users++;
		s->claim = c;
	}
	*moved = c->last != rm;
	if (*moved)
		rm_flush_take_over(s, c->owed, c->doubtful);
	c->owner = rm;
	c->last = rm;
	c->dev = s->dev->bdev->bd_dev;
	c->first = s->offset;
	c->end = s->offset + s->table_len;
out:
	mutex_unlock(&claims_lock);
	return r;
}

void rm_claim_release(struct remap *rm, struct rm_spare *s)
{
	mutex_lock(&claims_lock);
	if (s->claim && s->claim->owner == rm) {
		s->claim->owner = NULL;
		s->claim->owed = rm_flush_owed(s);
		s->claim->doubtful = s->doubtful;
	}
	mutex_unlock(&claims_lock);
}

/* The target goes away. */
void rm_claim_forget(struct remap *rm, struct rm_spare *s)
{
	struct rm_claim *c = s->claim;

	if (!c)
		return;
	mutex_lock(&claims_lock);
	if (c->owner == rm)
		c->owner = NULL;
	if (c->last == rm)
		c->last = NULL;
	if (!--c->users) {
		list_del(&c->list);
		kfree(c);
	}
	s->claim = NULL;
	mutex_unlock(&claims_lock);
}
