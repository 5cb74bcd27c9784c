// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modes, watermarks and events.
 */
#include "dm-remap.h"

/* Waits in process context; the dm core takes a mutex in there. */
void rm_event(struct remap *rm)
{
	WRITE_ONCE(rm->events, rm->events + 1);
	dm_table_event(rm->ti->table);
}

enum remap_mode rm_mode(const struct remap *rm)
{
	int mode;

	for (mode = REMAP_MODE_NR - 1; mode > REMAP_MODE_RW; mode--)
		if (rm_mode_is(rm, mode))
			return mode;
	return REMAP_MODE_RW;
}

void rm_mode_set(struct remap *rm, enum remap_mode mode, const char *why)
{
	if (test_and_set_bit(mode, &rm->modes))
		return;
	DMWARN("%s: mode %s: %s", dm_table_device_name(rm->ti->table),
	       remap_mode_name(mode), why);
	rm_event(rm);
}

void rm_mode_clear(struct remap *rm, enum remap_mode mode)
{
	if (!test_and_clear_bit(mode, &rm->modes))
		return;
	DMINFO("%s: mode %s ended, now %s", dm_table_device_name(rm->ti->table),
	       remap_mode_name(mode), remap_mode_name(rm_mode(rm)));
	rm_event(rm);
}

/* Drivers tell a missing disk and a bad sector apart too seldom: look. */
static bool answers(struct remap *rm, struct rm_spare *s)
{
	unsigned int end, copy;
	bool good = false;

	for (end = 0; end < 2 && !good; end++) {
		for (copy = 0; copy < 2 && !good; copy++) {
			u64 at = rm_layout_super(&s->layout, end, copy);

			good = !rm_io(rm, s->dev->bdev, REQ_OP_READ, s->offset + at, rm->probe,
				      RM_PAGE_BYTES);
		}
	}
	return good;
}

#define MAIN_PLACES	8

/* Can main be read anywhere, or does it take a flush, which concerns no sector? */
static bool main_answers(struct remap *rm)
{
	bool good = false;
	unsigned int i;

	for (i = 0; i < MAIN_PLACES && !good; i++) {
		u64 block = div_u64((rm->blocks - 1) * i, MAIN_PLACES - 1);

		good = !rm_io(rm, rm->main->bdev, REQ_OP_READ,
			      rm->data_offset + (block << rm->shift), rm->probe,
			      rm->unit << SECTOR_SHIFT);
	}
	return good || !blkdev_issue_flush(rm->main->bdev);
}

/**
 * rm_main_class() - what kind of error it is that main gave.
 * @rm: the target, locked
 * @status: the error
 *
 * Many drivers say BLK_STS_IOERR of a bad sector and of a disk that is offline
 * or unplugged, too: it is the disk's if nothing else can be done with it either.
 */
enum rm_err_class rm_main_class(struct remap *rm, blk_status_t status)
{
	rm->main_gone = status == BLK_STS_IOERR && !main_answers(rm);
	return rm->main_gone ? RM_ERR_GONE : rm_class(status);
}

/* An I/O to a spare has failed; the mode is no_spare after it if it is gone. */
void rm_spare_failed(struct remap *rm, struct rm_spare *s, blk_status_t status)
{
	enum rm_err_class class = rm_class(status);

	WRITE_ONCE(rm->last_error, ktime_get_real_seconds());
	DMWARN_LIMIT("%s: spare %u failed with %d", dm_table_device_name(rm->ti->table),
		     s->index, blk_status_to_errno(status));
	s = rm_device_of(rm, s);
	if (s->gone)
		return;
	if (class != RM_ERR_GONE && (class != RM_ERR_MEDIUM || answers(rm, s)))
		return;
	WRITE_ONCE(s->gone, true);
	rm_flush_doubt(s);
	rm_mode_set(rm, REMAP_MODE_NO_SPARE, "the spare does not answer");
}

void rm_watermarks(struct remap *rm)
{
	static const unsigned int marks[] = { 50, 80, 95, 100 };
	u64 usable = min_not_zero((u64)rm->slots.n - rm->slots.bad - rm->slots.closed,
				  rm->table.max_remaps);
	unsigned int i, now = 0;

	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if ((u64)rm->slots.used * 100 >= usable * marks[i])
			now = marks[i];
	while (rm->watermark < now) {
		for (i = 0; marks[i] <= rm->watermark; i++)
			;
		rm->watermark = marks[i];
		DMWARN("%s: %u%% of the slots are used (%u of %llu)",
		       dm_table_device_name(rm->ti->table), rm->watermark,
		       rm->slots.used, usable);
		rm_event(rm);
	}
	rm->watermark = now;
}
