/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device-mapper target "remap": what its files call of each other.
 */
#ifndef DM_REMAP_H
#define DM_REMAP_H

#include "types.h"

static inline struct rm_io *rm_io_of(struct bio *bio)
{
	return dm_per_bio_data(bio, sizeof(struct rm_io));
}

#define rm_count(rm, what) this_cpu_inc((rm)->stats->count[what])

/* Whether it can be done again block by block after a medium error. */
static inline bool rm_may_take_over(const struct bio *bio)
{
	return bio_op(bio) == REQ_OP_READ || bio_op(bio) == REQ_OP_WRITE ||
	       bio_op(bio) == REQ_OP_WRITE_ZEROES;
}

static inline enum rm_err_class rm_class(blk_status_t status)
{
	return rm_err_classify(blk_status_to_errno(status));
}

static inline unsigned int rm_block_sectors(const struct remap *rm, u64 block)
{
	sector_t left = rm->ti->len - (block << rm->shift);

	return min_t(sector_t, left, rm->block_size);
}

static inline u64 rm_full_mask(const struct remap *rm, u64 block)
{
	return rm_vmask(0, rm_block_sectors(rm, block));
}

static inline struct rm_spare *rm_spare_of(struct remap *rm, u32 slot)
{
	unsigned int i = rm->n_spares - 1;

	while (i && rm->spare[i].slot_base > slot)
		i--;
	return &rm->spare[i];
}

/* The first piece of a spare stands for its device: is it there, is it flushed. */
static inline struct rm_spare *rm_device_of(struct remap *rm, const struct rm_spare *s)
{
	return &rm->spare[s->index];
}

/* The spare whose superblock says what is so for the whole set. */
static inline struct rm_spare *rm_chief(struct remap *rm)
{
	unsigned int i = 0;

	while (i + 1 < rm->n_devs && rm->spare[i].retired)
		i++;
	return &rm->spare[i];
}

static inline sector_t rm_slot_sector(const struct remap *rm,
				      const struct rm_spare *s, u32 slot)
{
	return s->offset + s->layout.slot_start +
	       ((sector_t)(slot - s->slot_base) << rm->shift);
}

/* A write to the slot; what it adds to the wear is recorded some time. */
static inline void rm_wear(struct remap *rm, struct rm_spare *s, u32 slot)
{
	u32 page = (slot - s->slot_base) / RM_SLOTS_PER_PAGE;

	WRITE_ONCE(rm->slots.wear[slot], READ_ONCE(rm->slots.wear[slot]) + 1);
	if (!test_bit(page, s->worn))
		set_bit(page, s->worn);
}

static inline bool rm_mode_is(const struct remap *rm, enum remap_mode mode)
{
	return test_bit(mode, &rm->modes);
}

static inline const char *rm_name(const struct remap *rm)
{
	return dm_table_device_name(rm->ti->table);
}

/* map.c */
int remap_map(struct dm_target *ti, struct bio *bio);
int remap_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error);

/* flush.c */
bool rm_flush_begin(struct rm_spare *s);
void rm_flush_end(struct rm_spare *s, bool carries, bool good);
void rm_flush_retire(struct rm_spare *s);
bool rm_flush_owed(struct rm_spare *s);
void rm_flush_doubt(struct rm_spare *s);
void rm_flush_take_over(struct rm_spare *s, bool owed, bool doubtful);
bool rm_flush_tell(struct rm_spare *s);
blk_status_t rm_flush_failed(struct remap *rm, struct rm_io *io);

/* A slot was written, not with FUA; before anybody is told so. */
static inline void rm_wrote(struct rm_spare *s)
{
	if (!READ_ONCE(s->unflushed))
		WRITE_ONCE(s->unflushed, true);
}

/* io.c */
blk_status_t rm_io(struct remap *rm, struct block_device *bdev, blk_opf_t opf,
		   sector_t sector, void *buf, unsigned int bytes);
blk_status_t rm_io_piece(struct remap *rm, struct block_device *bdev,
			 sector_t sector, struct bio *bio,
			 const struct bvec_iter *piece);
blk_status_t rm_slot_io(struct remap *rm, u32 slot, blk_opf_t opf, u8 *buf,
			u64 mask);
blk_status_t rm_read_what_can_be(struct remap *rm, struct block_device *bdev,
				 sector_t sector, u8 *buf, u64 want, u64 *got);

/* worker.c */
void rm_defer(struct remap *rm, struct bio *bio, bool failed);
void rm_work(struct work_struct *work);
void rm_settle(struct remap *rm);

/* slow_read.c, slow_write.c */
blk_status_t rm_read_block(struct remap *rm, struct bio *bio,
			   const struct bvec_iter *piece, struct rm_entry *e);
blk_status_t rm_write_block(struct remap *rm, struct bio *bio,
			    const struct bvec_iter *piece, struct rm_entry *e);

blk_status_t rm_erase_block(struct remap *rm, struct bio *bio,
			    const struct bvec_iter *piece, struct rm_entry *e);

/* store.c */
blk_status_t rm_store(struct remap *rm, u64 block, u64 mask,
		      enum remap_reason reason, blk_status_t status);
u32 rm_store_somewhere(struct remap *rm, u64 block, u64 mask);
bool rm_may_remap(struct remap *rm);
bool rm_new_failure(struct remap *rm);

/* undo.c */
void rm_remember(struct remap *rm, u64 block);
void rm_undo_all(struct remap *rm);
void rm_undo_forget(struct remap *rm);
bool rm_undo_full(const struct remap *rm);

/* entry.c: all by value; a copy is good until the state changes */
bool rm_entry(struct remap *rm, u64 block, struct rm_entry *e);
bool rm_entry_from(struct remap *rm, u64 block, struct rm_entry *e);
void rm_entry_put(struct remap *rm, const struct rm_entry *e);
struct rm_entry rm_entry_clean(u64 block);
void rm_entries_free(struct remap *rm);

/* state.c */
void rm_set_clean(struct remap *rm, struct rm_entry *e);
void rm_set_pending(struct remap *rm, u64 block, enum remap_reason reason);
void rm_set_remapped(struct remap *rm, u64 block, u32 slot, u64 mask,
		     enum remap_reason reason);
void rm_set_moved(struct remap *rm, struct rm_entry *e, u32 slot, u64 mask);
void rm_set_lost(struct remap *rm, struct rm_entry *e);
void rm_set_found(struct remap *rm, struct rm_entry *e);
void rm_set_mask(struct remap *rm, struct rm_entry *e, u64 mask);
void rm_slot_is_bad(struct remap *rm, u32 slot);

/* publish.c */
void rm_publish(struct remap *rm, const struct rm_range *busy, unsigned int n,
		bool drain);
void rm_publish_free(struct remap *rm);
struct rm_seg *rm_seg_new(u32 n);

/* cache.c */
void rm_cache_fit(struct remap *rm);
void rm_cache_free(struct rm_cache *cache);

/* record.c */
void rm_record_slot(struct remap *rm, u32 slot, const struct rm_entry *e, u8 state);
bool rm_pending_has_room(const struct remap *rm);
void rm_record_pending(struct remap *rm, struct rm_entry *e, bool used);
int rm_pending_close(struct remap *rm, struct rm_spare *s);
void rm_pending_open(struct remap *rm, struct rm_spare *s);
void rm_page_dirty(struct remap *rm, struct rm_spare *s, u32 page);
void rm_page_compose(struct remap *rm, const struct rm_spare *s, u32 page,
		     void *image);
void rm_record_wear(struct remap *rm);

/* commit.c */
int rm_commit(struct remap *rm);
int rm_commit_or_undo(struct remap *rm);
int rm_super_write(struct remap *rm, struct rm_spare *s);
void rm_commit_work(struct work_struct *work);

/* mirrors.c */
int rm_mirrors_write(struct remap *rm, struct rm_spare *s);
int rm_mirrors_rewrite(struct remap *rm);

/* What records say that memory does not keep, while loading. */
struct rm_loaded {
	u64 *seq;			/* of each slot */
	struct xarray masks;		/* u64 by slot, those that are not full */
	struct rm_pending_record *pending;	/* by place */
};

/* areas.c, grow.c */
int rm_areas_find(struct remap *rm, char **error);
bool rm_areas_leave(struct remap *rm);
bool rm_grows(const struct remap *rm, const struct rm_spare *s);
int rm_grow_check(struct remap *rm, char **error);
int rm_grow(struct remap *rm, char **error);

/* evacuate.c */
void rm_spare_close(struct remap *rm, struct rm_spare *s);
int rm_evacuate(struct remap *rm, unsigned int index, bool abandon, u64 *moved, u64 *block);

/* super.c, load.c, entries.c, format_spare.c */
int rm_super_peek(struct remap *rm, struct rm_spare *s, char **error);
int rm_super_load(struct remap *rm, struct rm_spare *s, char **error);
int rm_supers_load(struct remap *rm, char **error);
int rm_pages_load(struct remap *rm, bool repair);
int rm_pages_alloc(struct remap *rm);
void rm_pages_free(struct remap *rm);
int rm_format(struct remap *rm);
int rm_format_area(struct remap *rm, struct rm_spare *s, const u8 *set_uuid, u8 *buf);
int rm_layouts(struct remap *rm, char **error);
int rm_entries_build(struct remap *rm, struct rm_loaded *in);
struct rm_page_header rm_page_header(const struct rm_spare *s, u32 page, u64 gen);

/* claim.c */
struct rm_claim;
int rm_claim_take(struct remap *rm, struct rm_spare *s, bool *moved);
void rm_claim_release(struct remap *rm, struct rm_spare *s);
void rm_claim_forget(struct remap *rm, struct rm_spare *s);
bool rm_claim_overlaps(const struct remap *rm, const struct rm_spare *s);
bool rm_claimed_by_other(const struct remap *rm, const struct rm_spare *s);

/* mode.c */
void rm_event(struct remap *rm);
void rm_mode_set(struct remap *rm, enum remap_mode mode, const char *why);
void rm_mode_clear(struct remap *rm, enum remap_mode mode);
enum remap_mode rm_mode(const struct remap *rm);
enum rm_err_class rm_main_class(struct remap *rm, blk_status_t status);
void rm_spare_failed(struct remap *rm, struct rm_spare *s, blk_status_t status);
void rm_watermarks(struct remap *rm);

/* status.c */
void remap_status(struct dm_target *ti, status_type_t type,
		  unsigned int status_flags, char *result, unsigned int maxlen);
int rm_stats_reply(struct remap *rm, char *result, unsigned int maxlen);
void rm_stats_reset(struct remap *rm);
u64 rm_stat_sum(const struct remap *rm, enum rm_stat what);

/* change.c */
typedef int (*rm_block_op)(struct remap *rm, u64 block);
int rm_change(struct remap *rm, u64 first, unsigned int n, rm_block_op op,
	      unsigned int *done);
void rm_tell(struct remap *rm);
void rm_salvage_want(struct remap *rm, u64 block);
void rm_salvage(struct remap *rm);

/* check.c */
enum rm_checked {
	RM_CHECK_GOOD,
	RM_CHECK_KNOWN,		/* bad, as before */
	RM_CHECK_NEW,		/* bad, and pending or lost from now on */
	RM_CHECK_LATER,		/* bad, but it may not be marked now */
	RM_CHECK_ERROR,		/* an error that says nothing about the block */
};

enum rm_checked rm_check_block(struct remap *rm, u64 block, bool tried);

/* scrub.c, scrub_reply.c, scrub_sample.c */
#define RM_SCRUB_RATE_SET	(~(u32)0)	/* the rate is the setting scrub_rate */
struct rm_scrub;
int rm_scrub_new(struct remap *rm);
void rm_scrub_free(struct remap *rm);
void rm_scrub_load(struct remap *rm);
int rm_scrub_save(struct remap *rm);
void rm_scrub_hold(struct remap *rm);
void rm_scrub_go_on(struct remap *rm);
void rm_scrub_kick(struct remap *rm);
void rm_scrub_error(struct remap *rm, u64 block);
void rm_scrub_status(const struct remap *rm, struct remap_status *st);
int rm_scrub_start(struct remap *rm, u64 rate);
int rm_scrub_end(struct remap *rm, enum remap_scrub_state state);
int rm_scrub_reply(struct remap *rm, char *result, unsigned int maxlen);
int rm_scrub_sample(struct remap *rm, u64 n, char *result, unsigned int maxlen);

/* hot.c */
struct rm_hot;
int rm_hot_new(struct remap *rm);
void rm_hot_free(struct remap *rm);
void rm_hot_sample(struct remap *rm, sector_t off);
void rm_hot_rate(struct remap *rm);
void rm_hot_error(struct remap *rm, u64 block);
void rm_hot_status(const struct remap *rm, struct remap_status *st);
u64 rm_hot_block(struct remap *rm, unsigned int rank, u64 first, u64 last);
unsigned int rm_list_hot(struct remap *rm, u64 cursor, char *result, unsigned int maxlen);
unsigned int rm_list_errors(struct remap *rm, u64 cursor, char *result, unsigned int maxlen);

/* hist.c */
DECLARE_STATIC_KEY_FALSE(rm_hist_key);
void rm_hist_begin(struct remap *rm, struct rm_io *io);
void rm_hist_end(struct remap *rm, const struct bio *bio, const struct rm_io *io, u8 where);
int rm_hist_new(struct remap *rm);
void rm_hist_set(struct remap *rm, bool on);
void rm_hist_free(struct remap *rm);
void rm_hist_reset(struct remap *rm);
int rm_hist_reply(const struct remap *rm, char *result, unsigned int maxlen);

/* level.c */
int rm_level(struct remap *rm, unsigned int *moved);

/* message.c, message_set.c, move.c, recover.c, list.c */
int remap_message(struct dm_target *ti, unsigned int argc, char **argv,
		  char *result, unsigned int maxlen);
int rm_set(struct remap *rm, const char *key, const char *value);
int rm_get(struct remap *rm, const char *key, char *result, unsigned int maxlen);
int rm_move_to_slot(struct remap *rm, u64 block, enum remap_reason reason);
int rm_move_to_main(struct remap *rm, u64 block);
int rm_replace_slot(struct remap *rm, u32 slot);
int rm_recover(struct remap *rm);
int rm_list(struct remap *rm, const char *what, u64 cursor, char *result,
	    unsigned int maxlen);
int rm_query(struct remap *rm, sector_t sector, char *result, unsigned int maxlen);

#endif /* DM_REMAP_H */
