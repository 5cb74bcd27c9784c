// Bios and block devices.
#pragma once
#include "misc.h"

enum req_op {
  REQ_OP_READ = 0,
  REQ_OP_WRITE = 1,
  REQ_OP_FLUSH = 2,
  REQ_OP_DISCARD = 3,
  REQ_OP_SECURE_ERASE = 5,
  REQ_OP_WRITE_ZEROES = 9,
};
#define REQ_OP_MASK 0xffU
#define REQ_FAILFAST_DEV (1U << 8)
#define REQ_SYNC (1U << 11)
#define REQ_META (1U << 12)
#define REQ_PRIO (1U << 13)
#define REQ_NOMERGE (1U << 14)
#define REQ_IDLE (1U << 15)
#define REQ_FUA (1U << 17)
#define REQ_PREFLUSH (1U << 18)
#define REQ_RAHEAD (1U << 19)
#define REQ_BACKGROUND (1U << 20)
#define REQ_NOWAIT (1U << 21)
#define REQ_NOUNMAP (1U << 22)
#define REQ_POLLED (1U << 23)
#define REQ_DRV (1U << 24)
#define REQ_SWAP (1U << 25)
#define READ 0
#define WRITE 1
static inline bool op_is_write(blk_opf_t op) { return op & 1; }

// X(name, value, errno)
// The formatter moves these backslashes at each run.
// clang-format off
#define SIM_BLK_STATUSES(X) \
  X(BLK_STS_OK, 0, 0) \
  X(BLK_STS_NOTSUPP, 1, -EOPNOTSUPP) \
  X(BLK_STS_TIMEOUT, 2, -ETIMEDOUT) \
  X(BLK_STS_NOSPC, 3, -ENOSPC) \
  X(BLK_STS_TRANSPORT, 4, -ENOLINK) \
  X(BLK_STS_TARGET, 5, -EREMOTEIO) \
  X(BLK_STS_MEDIUM, 7, -ENODATA) \
  X(BLK_STS_PROTECTION, 8, -EILSEQ) \
  X(BLK_STS_RESOURCE, 9, -ENOMEM) \
  X(BLK_STS_IOERR, 10, -EIO) \
  X(BLK_STS_DM_REQUEUE, 11, -EREMCHG) \
  X(BLK_STS_AGAIN, 12, -EAGAIN) \
  X(BLK_STS_DEV_RESOURCE, 13, -EBUSY) \
  X(BLK_STS_OFFLINE, 17, -ENODEV)
// clang-format on
#define SIM_BLK_STATUS_ITEM(name, value, err) name = value,
enum { SIM_BLK_STATUSES(SIM_BLK_STATUS_ITEM) };

struct block_device {
  void *disk;
  dev_t bd_dev;
};
struct bio_vec {
  struct page *bv_page;
  unsigned int bv_len;
  unsigned int bv_offset;
};
struct bvec_iter {
  sector_t bi_sector;
  unsigned int bi_size;
  unsigned int bi_idx;
  unsigned int bi_bvec_done;
};
struct bio;
typedef void bio_end_io_t(struct bio *bio);
struct bio {
  struct bio *bi_next;
  struct block_device *bi_bdev;
  blk_opf_t bi_opf;
  unsigned short bi_flags;
  unsigned short bi_ioprio;
  blk_status_t bi_status;
  struct bvec_iter bi_iter;
  bio_end_io_t *bi_end_io;
  void *bi_private;
  unsigned short bi_vcnt;
  unsigned short bi_max_vecs;
  struct bio_vec *bi_io_vec;
  u32 sim_state;         // whose it is: see bio.cc
  void *sim_allocation;  // what bio_put() frees
};
struct bio_list {
  struct bio *head, *tail;
};
struct bio_set {
  bool ready;
};
#define BIOSET_NEED_BVECS 1
#define BIO_MAX_VECS 256U

#ifdef __cplusplus
extern "C" {
#endif
int blk_status_to_errno(blk_status_t status);
blk_status_t errno_to_blk_status(int err);
sector_t bdev_nr_sectors(struct block_device *bdev);
unsigned int bdev_logical_block_size(struct block_device *bdev);
unsigned int bdev_physical_block_size(struct block_device *bdev);
unsigned int bdev_max_discard_sectors(struct block_device *bdev);
unsigned int bdev_write_zeroes_sectors(struct block_device *bdev);
unsigned int bdev_max_secure_erase_sectors(struct block_device *bdev);
unsigned int bdev_discard_granularity(struct block_device *bdev);
bool bdev_nonrot(struct block_device *bdev);

int bioset_init(struct bio_set *bs, unsigned int pool, unsigned int front_pad, int flags);
void bioset_exit(struct bio_set *bs);
struct bio *bio_alloc_bioset(struct block_device *bdev, unsigned short n, blk_opf_t opf, gfp_t gfp,
                             struct bio_set *bs);
struct bio *bio_alloc_clone(struct block_device *bdev, struct bio *from, gfp_t gfp,
                            struct bio_set *bs);
void bio_init(struct bio *bio, struct block_device *bdev, struct bio_vec *vec, unsigned short n,
              blk_opf_t opf);
void bio_uninit(struct bio *bio);
void bio_put(struct bio *bio);
void __bio_add_page(struct bio *bio, struct page *page, unsigned int len, unsigned int offset);
int bio_add_page(struct bio *bio, struct page *page, unsigned int len, unsigned int offset);
void bio_advance_iter(const struct bio *bio, struct bvec_iter *iter, unsigned int bytes);
struct bio_vec sim_bio_segment(const struct bio *bio, struct bvec_iter iter);
void bio_trim(struct bio *bio, sector_t offset, sector_t size);
void bio_endio(struct bio *bio);
void submit_bio(struct bio *bio);
#define submit_bio_noacct(bio) submit_bio(bio)
int submit_bio_wait(struct bio *bio);
int blkdev_issue_flush(struct block_device *bdev);
static inline void bio_io_error(struct bio *bio) {
  bio->bi_status = BLK_STS_IOERR;
  bio_endio(bio);
}
static inline void bio_wouldblock_error(struct bio *bio) {
  bio->bi_status = BLK_STS_AGAIN;
  bio_endio(bio);
}
static inline void bio_set_dev(struct bio *bio, struct block_device *bdev) { bio->bi_bdev = bdev; }
#define IOPRIO_CLASS_IDLE 3
#define IOPRIO_PRIO_VALUE(c, d) ((unsigned short)((c) << 13 | (d)))
static inline enum req_op bio_op(const struct bio *bio) {
  return (enum req_op)(bio->bi_opf & REQ_OP_MASK);
}
static inline unsigned int bio_sectors(const struct bio *bio) {
  return bio->bi_iter.bi_size >> SECTOR_SHIFT;
}
static inline sector_t bio_end_sector(const struct bio *bio) {
  return bio->bi_iter.bi_sector + bio_sectors(bio);
}
static inline int bio_data_dir(const struct bio *bio) {
  return op_is_write(bio_op(bio)) ? WRITE : READ;
}
static inline bool bio_has_data(const struct bio *bio) {
  return bio->bi_iter.bi_size && bio_op(bio) != REQ_OP_DISCARD &&
         bio_op(bio) != REQ_OP_SECURE_ERASE && bio_op(bio) != REQ_OP_WRITE_ZEROES;
}
#define __bio_for_each_segment(bv, bio, iter, start)                           \
  for (iter = (start); iter.bi_size && ((bv = sim_bio_segment(bio, iter)), 1); \
       bio_advance_iter(bio, &iter, bv.bv_len))
#define bio_for_each_segment(bv, bio, iter) __bio_for_each_segment(bv, bio, iter, (bio)->bi_iter)
static inline void *bvec_virt(const struct bio_vec *bv) {
  return bv->bv_page->bytes + bv->bv_offset;
}
static inline void memcpy_from_bvec(void *to, const struct bio_vec *bv) {
  memcpy(to, bvec_virt(bv), bv->bv_len);
}
static inline void memcpy_to_bvec(const struct bio_vec *bv, const void *from) {
  memcpy(bvec_virt(bv), from, bv->bv_len);
}
static inline void memzero_bvec(const struct bio_vec *bv) { memset(bvec_virt(bv), 0, bv->bv_len); }

static inline void bio_list_init(struct bio_list *l) { l->head = l->tail = NULL; }
static inline bool bio_list_empty(const struct bio_list *l) { return !l->head; }
static inline struct bio *bio_list_peek(const struct bio_list *l) { return l->head; }
static inline void bio_list_add(struct bio_list *l, struct bio *bio) {
  bio->bi_next = NULL;
  if (l->tail)
    l->tail->bi_next = bio;
  else
    l->head = bio;
  l->tail = bio;
}
static inline void bio_list_add_head(struct bio_list *l, struct bio *bio) {
  bio->bi_next = l->head;
  l->head = bio;
  if (!l->tail) l->tail = bio;
}
static inline void bio_list_merge(struct bio_list *to, struct bio_list *from) {
  if (!from->head) return;
  if (to->tail)
    to->tail->bi_next = from->head;
  else
    to->head = from->head;
  to->tail = from->tail;
}
static inline void bio_list_merge_init(struct bio_list *to, struct bio_list *from) {
  bio_list_merge(to, from);
  bio_list_init(from);
}
static inline struct bio *bio_list_pop(struct bio_list *l) {
  struct bio *bio = l->head;

  if (!bio) return NULL;
  l->head = bio->bi_next;
  if (!l->head) l->tail = NULL;
  bio->bi_next = NULL;
  return bio;
}
static inline struct bio *bio_list_get(struct bio_list *l) {
  struct bio *bio = l->head;

  bio_list_init(l);
  return bio;
}
static inline unsigned int bio_list_size(const struct bio_list *l) {
  unsigned int n = 0;
  struct bio *bio;

  for (bio = l->head; bio; bio = bio->bi_next) n++;
  return n;
}
#define bio_list_for_each(bio, l) for (bio = (l)->head; bio; bio = bio->bi_next)
#ifdef __cplusplus
}
#endif
