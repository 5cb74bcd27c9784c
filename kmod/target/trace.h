/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what becomes of blocks and slots, commits, the scrub, and
 * errors with their class.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dm_remap

#if !defined(RM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RM_TRACE_H

#include <linux/tracepoint.h>

#define RM_TRACE_DEV 16

DECLARE_EVENT_CLASS(dm_remap_block,
	TP_PROTO(const char *dev, u64 block, u32 slot, unsigned int reason),
	TP_ARGS(dev, block, slot, reason),
	TP_STRUCT__entry(
		__array(char, dev, RM_TRACE_DEV)
		__field(u64, block)
		__field(u32, slot)
		__field(unsigned int, reason)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev, RM_TRACE_DEV);
		__entry->block = block;
		__entry->slot = slot;
		__entry->reason = reason;
	),
	TP_printk("%s block=%llu slot=%d reason=%u", __entry->dev, __entry->block,
		  (int)__entry->slot, __entry->reason)
);

DEFINE_EVENT(dm_remap_block, dm_remap_remap,
	TP_PROTO(const char *dev, u64 block, u32 slot, unsigned int reason),
	TP_ARGS(dev, block, slot, reason));

DEFINE_EVENT(dm_remap_block, dm_remap_pending,
	TP_PROTO(const char *dev, u64 block, u32 slot, unsigned int reason),
	TP_ARGS(dev, block, slot, reason));

DEFINE_EVENT(dm_remap_block, dm_remap_lost,
	TP_PROTO(const char *dev, u64 block, u32 slot, unsigned int reason),
	TP_ARGS(dev, block, slot, reason));

TRACE_EVENT(dm_remap_slot_bad,
	TP_PROTO(const char *dev, u32 slot),
	TP_ARGS(dev, slot),
	TP_STRUCT__entry(
		__array(char, dev, RM_TRACE_DEV)
		__field(u32, slot)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev, RM_TRACE_DEV);
		__entry->slot = slot;
	),
	TP_printk("%s slot=%u", __entry->dev, __entry->slot)
);

TRACE_EVENT(dm_remap_commit,
	TP_PROTO(const char *dev, u64 gen, int error),
	TP_ARGS(dev, gen, error),
	TP_STRUCT__entry(
		__array(char, dev, RM_TRACE_DEV)
		__field(u64, gen)
		__field(int, error)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev, RM_TRACE_DEV);
		__entry->gen = gen;
		__entry->error = error;
	),
	TP_printk("%s gen=%llu error=%d", __entry->dev, __entry->gen, __entry->error)
);

TRACE_EVENT(dm_remap_scrub,
	TP_PROTO(const char *dev, unsigned int state, u64 pos, u64 found),
	TP_ARGS(dev, state, pos, found),
	TP_STRUCT__entry(
		__array(char, dev, RM_TRACE_DEV)
		__field(unsigned int, state)
		__field(u64, pos)
		__field(u64, found)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev, RM_TRACE_DEV);
		__entry->state = state;
		__entry->pos = pos;
		__entry->found = found;
	),
	TP_printk("%s state=%u pos=%llu found=%llu", __entry->dev, __entry->state, __entry->pos,
		  __entry->found)
);

TRACE_EVENT(dm_remap_io_error,
	TP_PROTO(const char *dev, u64 sector, unsigned int op, int error, unsigned int err_class),
	TP_ARGS(dev, sector, op, error, err_class),
	TP_STRUCT__entry(
		__array(char, dev, RM_TRACE_DEV)
		__field(u64, sector)
		__field(unsigned int, op)
		__field(int, error)
		__field(unsigned int, err_class)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev, RM_TRACE_DEV);
		__entry->sector = sector;
		__entry->op = op;
		__entry->error = error;
		__entry->err_class = err_class;
	),
	TP_printk("%s sector=%llu op=%u error=%d class=%s", __entry->dev, __entry->sector,
		  __entry->op, __entry->error,
		  __print_symbolic(__entry->err_class, { RM_ERR_NONE, "none" },
				   { RM_ERR_MEDIUM, "medium" }, { RM_ERR_GONE, "gone" },
				   { RM_ERR_OTHER, "other" }))
);

#endif /* RM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
