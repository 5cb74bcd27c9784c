// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is known to be durable on a spare.  A write counts from its completion,
 * a flush covers what had completed before it began.
 */
#include "dm-remap.h"

/* Whether the flush that begins here has anything to make durable. */
bool rm_flush_begin(struct rm_spare *s)
{
	unsigned long flags;
	bool carries;

	spin_lock_irqsave(&s->flush_lock, flags);
	/* what an unfinished flush was to make durable is in doubt until it is back */
	carries = READ_ONCE(s->unflushed) || s->flushing;
	if (carries) {
		s->flushing++;
		WRITE_ONCE(s->unflushed, false);
	}
	spin_unlock_irqrestore(&s->flush_lock, flags);
	return carries;
}

void rm_flush_end(struct rm_spare *s, bool carries, bool good)
{
	unsigned long flags;

	if (!carries)
		return;
	spin_lock_irqsave(&s->flush_lock, flags);
	s->flushing--;
	if (!good && !s->holds_nothing)
		WRITE_ONCE(s->unflushed, true);
	spin_unlock_irqrestore(&s->flush_lock, flags);
}

/*
 * All that was on the spare is elsewhere, and durable: a flush of it that is
 * under way and fails must not fail all that come after it.
 */
void rm_flush_retire(struct rm_spare *s)
{
	unsigned long flags;

	spin_lock_irqsave(&s->flush_lock, flags);
	s->holds_nothing = true;
	WRITE_ONCE(s->unflushed, false);
	spin_unlock_irqrestore(&s->flush_lock, flags);
}

/* A spare without which nothing is missing does not keep main from being flushed. */
blk_status_t rm_flush_failed(struct remap *rm, struct rm_io *io)
{
	struct rm_spare *s = &rm->spare[io->spare];

	rm_spare_failed(rm, s, io->status);
	return READ_ONCE(s->gone) && !io->carries ? BLK_STS_OK : io->status;
}
