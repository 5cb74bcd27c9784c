#include <algorithm>

#include "tests/sim/disk.h"
#include "tests/sim/kernel.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

using remapfleet::sim::Disk;
using remapfleet::sim::World;

namespace {

// Whose a bio is.
enum : std::uint32_t {
  kOwned = 0x0b100001,
  kSubmitted = 0x0b100002,
  kEnded = 0x0b100003,
  kFreed = 0x0b10dead
};

void EndWait(bio* b) { *static_cast<bool*>(b->bi_private) = true; }

}  // namespace

extern "C" {

int blk_status_to_errno(blk_status_t status) {
#define ITEM(name, value, err) \
  if (status == (value)) return err;
  SIM_BLK_STATUSES(ITEM)
#undef ITEM
  return -EIO;
}

blk_status_t errno_to_blk_status(int e) {
#define ITEM(name, value, err) \
  if (e == (err)) return value;
  SIM_BLK_STATUSES(ITEM)
#undef ITEM
  return BLK_STS_IOERR;
}

int bioset_init(bio_set* bs, unsigned, unsigned, int) {
  bs->ready = true;
  return 0;
}
void bioset_exit(bio_set* bs) { bs->ready = false; }

void bio_init(bio* b, block_device* bdev, bio_vec* vec, unsigned short n, blk_opf_t opf) {
  *b = {};
  b->bi_bdev = bdev;
  b->bi_io_vec = vec;
  b->bi_max_vecs = n;
  b->bi_opf = opf;
  b->sim_state = kOwned;
}
void bio_uninit(bio*) {}

bio* bio_alloc_bioset(block_device* bdev, unsigned short n, blk_opf_t opf, gfp_t gfp, bio_set* bs) {
  if (bs == nullptr || !bs->ready) World::Get().Fail("a bio from a bio_set that is not there");
  if (n > BIO_MAX_VECS) World::Get().Fail("a bio with too many vectors");
  auto* b =
      static_cast<bio*>(sim_alloc(sizeof(bio) + n * sizeof(bio_vec), gfp | __GFP_NOFAIL, false));
  bio_init(b, bdev, reinterpret_cast<bio_vec*>(b + 1), n, opf);
  b->sim_allocation = b;
  return b;
}

bio* bio_alloc_clone(block_device* bdev, bio* from, gfp_t gfp, bio_set* bs) {
  bio* b = bio_alloc_bioset(bdev, 0, from->bi_opf, gfp, bs);
  b->bi_iter = from->bi_iter;
  b->bi_io_vec = from->bi_io_vec;
  b->bi_vcnt = from->bi_vcnt;
  b->bi_ioprio = from->bi_ioprio;
  return b;
}

void bio_put(bio* b) {
  if (b->sim_state == kSubmitted) World::Get().Fail("bio_put() of a bio under way");
  if (b->sim_allocation == nullptr) World::Get().Fail("bio_put() of somebody else's bio");
  b->sim_state = kFreed;
  sim_free(b->sim_allocation, false);
}

void __bio_add_page(bio* b, page* p, unsigned len, unsigned offset) {
  if (b->bi_vcnt >= b->bi_max_vecs) World::Get().Fail("__bio_add_page() beyond the bio's vectors");
  b->bi_io_vec[b->bi_vcnt++] = {p, len, offset};
  b->bi_iter.bi_size += len;
}
int bio_add_page(bio* b, page* p, unsigned len, unsigned offset) {
  if (b->bi_vcnt >= b->bi_max_vecs) return 0;
  __bio_add_page(b, p, len, offset);
  return static_cast<int>(len);
}

bio_vec sim_bio_segment(const bio* b, bvec_iter iter) {
  const bio_vec& v = b->bi_io_vec[iter.bi_idx];
  const unsigned offset = v.bv_offset + iter.bi_bvec_done;
  const unsigned in_page = offset % PAGE_SIZE;
  return {v.bv_page + offset / PAGE_SIZE,
          static_cast<unsigned>(std::min<unsigned long>(
              {v.bv_len - iter.bi_bvec_done, iter.bi_size, PAGE_SIZE - in_page})),
          in_page};
}

void bio_advance_iter(const bio* b, bvec_iter* iter, unsigned bytes) {
  iter->bi_sector += bytes >> SECTOR_SHIFT;
  if (bytes > iter->bi_size) World::Get().Fail("a bio is advanced beyond its end");
  iter->bi_size -= bytes;
  if (!bio_has_data(b) && bio_op(b) != REQ_OP_READ && bio_op(b) != REQ_OP_WRITE) return;
  bytes += iter->bi_bvec_done;
  while (bytes != 0 && bytes >= b->bi_io_vec[iter->bi_idx].bv_len) {
    bytes -= b->bi_io_vec[iter->bi_idx].bv_len;
    iter->bi_idx++;
    if (iter->bi_size == 0) break;
  }
  iter->bi_bvec_done = bytes;
}

void bio_trim(bio* b, sector_t offset, sector_t size) {
  bio_advance_iter(b, &b->bi_iter, static_cast<unsigned>(offset << SECTOR_SHIFT));
  b->bi_iter.bi_size = static_cast<unsigned>(size << SECTOR_SHIFT);
}

void submit_bio(bio* b) {
  if (b->sim_state != kOwned && b->sim_state != kEnded)
    World::Get().Fail("submit_bio() of a bio that is under way or freed");
  b->sim_state = kSubmitted;
  static_cast<Disk*>(b->bi_bdev->disk)->Submit(b);
  sim_point();
}

void bio_endio(bio* b) {
  if (b->sim_state == kEnded || b->sim_state == kFreed)
    World::Get().Fail("bio_endio() twice on one bio");
  b->sim_state = kEnded;
  if (b->bi_end_io != nullptr) b->bi_end_io(b);
}

int submit_bio_wait(bio* b) {
  bool done = false;
  b->bi_private = &done;
  b->bi_end_io = EndWait;
  submit_bio(b);
  sim_wait([](void* d) { return *static_cast<bool*>(d); }, &done, "I/O");
  return blk_status_to_errno(b->bi_status);
}

int blkdev_issue_flush(block_device* bdev) {
  bio b;
  bio_init(&b, bdev, nullptr, 0, REQ_OP_WRITE | REQ_PREFLUSH);
  return submit_bio_wait(&b);
}

// The mapping of a clone passes through here again when the target has taken over an error.
void sim_bio_is_owned(bio* b) { b->sim_state = kOwned; }
}
