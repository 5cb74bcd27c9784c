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
	s->doubtful = false;
	WRITE_ONCE(s->unflushed, false);
	spin_unlock_irqrestore(&s->flush_lock, flags);
}

/* Writes to the spare that no flush has made durable so far. */
bool rm_flush_owed(struct rm_spare *s)
{
	unsigned long flags;
	bool owed;

	spin_lock_irqsave(&s->flush_lock, flags);
	owed = READ_ONCE(s->unflushed) || s->flushing;
	spin_unlock_irqrestore(&s->flush_lock, flags);
	return owed;
}

/* The spare is gone: what is owed may be lost, even if it comes back. */
void rm_flush_doubt(struct rm_spare *s)
{
	unsigned long flags;

	spin_lock_irqsave(&s->flush_lock, flags);
	if (READ_ONCE(s->unflushed) || s->flushing)
		WRITE_ONCE(s->doubtful, true);
	spin_unlock_irqrestore(&s->flush_lock, flags);
}

/* What is so of a spare that another table had before. */
void rm_flush_take_over(struct rm_spare *s, bool owed, bool doubtful)
{
	unsigned long flags;

	spin_lock_irqsave(&s->flush_lock, flags);
	if (owed)
		WRITE_ONCE(s->unflushed, true);
	if (doubtful)
		WRITE_ONCE(s->doubtful, true);
	spin_unlock_irqrestore(&s->flush_lock, flags);
}

/* Whether a flush has to fail for what may be lost: one does, then it has been told. */
bool rm_flush_tell(struct rm_spare *s)
{
	unsigned long flags;
	bool doubtful;

	if (likely(!READ_ONCE(s->doubtful)))
		return false;
	spin_lock_irqsave(&s->flush_lock, flags);
	doubtful = s->doubtful;
	WRITE_ONCE(s->doubtful, false);
	spin_unlock_irqrestore(&s->flush_lock, flags);
	return doubtful;
}

/* A spare without which nothing is missing does not keep main from being flushed. */
blk_status_t rm_flush_failed(struct remap *rm, struct rm_io *io)
{
	struct rm_spare *s = &rm->spare[io->spare];

	rm_spare_failed(rm, s, io->status);
	if (READ_ONCE(s->gone) && !io->carries)
		return BLK_STS_OK;
	rm_flush_tell(s);
	return io->status;
}
