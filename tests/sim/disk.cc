#include "tests/sim/disk.h"

#include <algorithm>
#include <cstring>

namespace remapfleet::sim {
namespace {

constexpr std::uint64_t kChunk = 8;  // sectors

bool IsFlush(const bio* bio) { return bio->bi_iter.bi_size == 0; }

}  // namespace

Disk::Disk(std::string name, const DiskShape& shape)
    : name_(std::move(name)), shape_(shape), bdev_{this, 0} {
  static dev_t next = 1;
  bdev_.bd_dev = next++;
  World::Get().AddSource(this);
}

Disk::~Disk() { World::Get().RemoveSource(this); }

const std::uint8_t* Disk::Stored(std::uint64_t sector) const {
  static const std::uint8_t zeros[kSector] = {};
  auto at = chunks_.find(sector / kChunk);
  if (at != chunks_.end()) return at->second.get() + (sector % kChunk) * kSector;
  return base_ != nullptr ? base_ + sector * kSector : zeros;
}

void Disk::Store(std::uint64_t sector, const std::uint8_t* data) {
  auto& chunk = chunks_[sector / kChunk];
  if (!chunk) {
    chunk = std::make_unique<std::uint8_t[]>(kChunk * kSector);
    const std::uint64_t first = sector / kChunk * kChunk;
    if (base_ != nullptr)
      std::memcpy(chunk.get(), base_ + first * kSector,
                  std::min(kChunk, shape_.sectors - first) * kSector);
  }
  std::memcpy(chunk.get() + (sector % kChunk) * kSector, data, kSector);
}

void Disk::Reset() {
  chunks_.clear();
  cached_.clear();
}

void Disk::Fill(std::uint64_t sector, const void* data, std::uint64_t sectors) {
  for (std::uint64_t i = 0; i < sectors; i++) {
    cached_.erase(sector + i);
    Store(sector + i, static_cast<const std::uint8_t*>(data) + i * kSector);
  }
}

void Disk::Read(std::uint64_t sector, void* data, std::uint64_t sectors) const {
  auto* to = static_cast<std::uint8_t*>(data);
  for (std::uint64_t i = 0; i < sectors; i++, to += kSector) {
    auto at = cached_.empty() ? cached_.end() : cached_.find(sector + i);
    std::memcpy(to, at != cached_.end() ? at->second.back().data->data() : Stored(sector + i),
                kSector);
  }
}

void Disk::SetFault(std::uint64_t sector, std::uint64_t sectors, const Fault& fault) {
  const std::uint64_t unit = shape_.logical / kSector;
  const std::uint64_t end = std::min((sector + sectors + unit - 1) / unit * unit, shape_.sectors);
  for (std::uint64_t s = sector / unit * unit; s < end; s++) faults_[s] = fault;
}

void Disk::ClearFaults(std::uint64_t sector, std::uint64_t sectors) {
  faults_.erase(faults_.lower_bound(sector), faults_.lower_bound(sector + sectors));
}

bool Disk::Faulty(std::uint64_t sector, bool write) const {
  auto at = faults_.find(sector);
  return at != faults_.end() && (write ? at->second.writes : at->second.reads);
}

void Disk::Submit(bio* bio) {
  if (IsFlush(bio)) {
    if ((bio->bi_opf & REQ_PREFLUSH) == 0)
      World::Get().Fail(name_ + ": an empty bio that is no flush");
  } else {
    const unsigned unit = shape_.logical / kSector;
    if (bio->bi_iter.bi_sector % unit != 0 || bio_sectors(bio) % unit != 0 ||
        bio->bi_iter.bi_size % kSector != 0)
      World::Get().Fail(name_ + ": I/O that is not aligned to logical blocks: " +
                        std::to_string(bio->bi_iter.bi_sector) + "+" +
                        std::to_string(bio_sectors(bio)));
    if (bio_end_sector(bio) > shape_.sectors)
      World::Get().Fail(name_ + ": I/O beyond the end of the device");
  }
  in_flight_.push_back({bio, false, clock_++, BLK_STS_OK});
}

unsigned Disk::Choices() { return static_cast<unsigned>(in_flight_.size()); }

void Disk::Happen(unsigned which) {
  InFlight& f = in_flight_[which];
  if (!f.executed) {
    Execute(f);
    if (World::Get().random().OneIn(2)) return;  // answered later
  }
  Complete(which);
}

blk_status_t Disk::StatusOf(const bio* bio) {
  if (gone_ != BLK_STS_OK) return gone_;
  if (faults_.empty() || IsFlush(bio) || bio_op(bio) == REQ_OP_DISCARD ||
      bio_op(bio) == REQ_OP_SECURE_ERASE)
    return BLK_STS_OK;
  const bool write = op_is_write(bio_op(bio));
  auto at = faults_.lower_bound(bio->bi_iter.bi_sector);
  for (; at != faults_.end() && at->first < bio_end_sector(bio); ++at)
    if (write ? at->second.writes : at->second.reads) return at->second.status;
  return BLK_STS_OK;
}

void Disk::Execute(InFlight& f) {
  bio* bio = f.io;
  f.executed = true;
  f.status = StatusOf(bio);
  bool done = f.status == BLK_STS_OK;
  if (done && fail_next_ != 0) {
    fail_next_--;
    passing_errors_++;
    f.status = fail_status_;
    done = World::Get().random().OneIn(2);  // on its way there, or on its way back
  }
  if (f.status != BLK_STS_OK) errors_++;
  if (gone_ != BLK_STS_OK) passing_errors_++;
  const bool partly = !done && f.status != BLK_STS_OK && gone_ == BLK_STS_OK;
  if (!done && !partly) return;
  if ((bio->bi_opf & REQ_PREFLUSH) != 0 && done) Flush(f.submitted);
  if (IsFlush(bio)) return;
  if (!op_is_write(bio_op(bio))) {
    if (done && f.status == BLK_STS_OK) ReadInto(bio);
    return;
  }
  WriteFrom(bio, !shape_.cache || ((bio->bi_opf & REQ_FUA) != 0 && !partly), partly);
}

void Disk::ReadInto(bio* bio) {
  bio_vec bv;
  bvec_iter iter;
  bio_for_each_segment(bv, bio, iter) Read(iter.bi_sector, bvec_virt(&bv), bv.bv_len / kSector);
}

// partly: some sectors, since the I/O fails in the middle
void Disk::WriteFrom(bio* bio, bool durable, bool partly) {
  auto& random = World::Get().random();
  static const auto zeros = std::make_shared<const Data>();
  auto put = [&](std::uint64_t sector, std::shared_ptr<const Data> data) {
    auto fault = faults_.empty() ? faults_.end() : faults_.find(sector);
    if (partly &&
        (random.OneIn(2) || (fault != faults_.end() && fault->second.writes && !random.OneIn(4))))
      return;
    if (fault != faults_.end() && fault->second.until_written && !fault->second.writes)
      faults_.erase(fault);
    WriteSector(sector, std::move(data), durable, bio);
  };
  if (bio_op(bio) != REQ_OP_WRITE) {
    const bool keep = bio_op(bio) == REQ_OP_DISCARD && random.OneIn(2);
    for (std::uint64_t s = bio->bi_iter.bi_sector; s < bio_end_sector(bio) && !keep; s++)
      put(s, zeros);
    return;
  }
  bio_vec bv;
  bvec_iter iter;
  bio_for_each_segment(bv, bio, iter) {
    for (unsigned i = 0; i < bv.bv_len / kSector; i++) {
      auto data = std::make_shared<Data>();
      std::memcpy(data->data(), static_cast<char*>(bvec_virt(&bv)) + i * kSector, kSector);
      put(iter.bi_sector + i, std::move(data));
    }
  }
}

void Disk::WriteSector(std::uint64_t sector, std::shared_ptr<const Data> data, bool durable,
                       bio* by) {
  if (durable) {
    if (!cached_.empty()) cached_.erase(sector);
    Store(sector, data->data());
  } else {
    cached_[sector].push_back({0, std::move(data), by});
  }
}

// What was answered before the flush was sent is durable now; what came later may be or not.
void Disk::Flush(std::uint64_t submitted) {
  flushes_++;
  for (auto at = cached_.begin(); at != cached_.end();) {
    auto& versions = at->second;
    std::size_t keep = 0;
    for (std::size_t i = 0; i < versions.size(); i++)
      if (versions[i].completed != 0 && versions[i].completed < submitted) keep = i + 1;
    if (keep != 0) Store(at->first, versions[keep - 1].data->data());
    versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(keep));
    at = versions.empty() ? cached_.erase(at) : std::next(at);
  }
}

void Disk::Complete(std::size_t at) {
  bio* bio = in_flight_[at].io;
  const blk_status_t status = in_flight_[at].status;
  in_flight_[at] = in_flight_.back();
  in_flight_.pop_back();
  const std::uint64_t answered = clock_++;
  if (shape_.cache && op_is_write(bio_op(bio)) && !cached_.empty()) {
    auto from = cached_.lower_bound(bio->bi_iter.bi_sector);
    for (; from != cached_.end() && from->first < bio_end_sector(bio); ++from)
      for (auto& version : from->second)
        if (version.by == bio) version.completed = answered, version.by = nullptr;
  }
  World::Get().Spawn("end_io", Context::kInterrupt, [bio, status] {
    bio->bi_status = status;
    // as drivers do: what the iterator says afterwards is of no use
    if (bio_has_data(bio)) bio_advance_iter(bio, &bio->bi_iter, bio->bi_iter.bi_size);
    bio->bi_iter.bi_sector += 0x10000000;
    bio_endio(bio);
  });
}

void Disk::PowerCut(Random& random) {
  for (InFlight& f : in_flight_)
    if (!f.executed && gone_ == BLK_STS_OK && !IsFlush(f.io) && op_is_write(bio_op(f.io)) &&
        random.OneIn(2))
      WriteFrom(f.io, false, true);
  in_flight_.clear();
  const bool all = random.OneIn(8);
  const bool none = !all && random.OneIn(8);
  for (auto& [sector, versions] : cached_) {
    const std::uint64_t pick = all ? versions.size() : none ? 0 : random.Below(versions.size() + 1);
    if (pick != 0) Store(sector, versions[pick - 1].data->data());
  }
  cached_.clear();
}

}  // namespace remapfleet::sim

using remapfleet::sim::Disk;

namespace {
Disk* DiskOf(block_device* bdev) { return static_cast<Disk*>(bdev->disk); }
}  // namespace

extern "C" {
sector_t bdev_nr_sectors(block_device* b) { return DiskOf(b)->shape().sectors; }
unsigned bdev_logical_block_size(block_device* b) { return DiskOf(b)->shape().logical; }
unsigned bdev_physical_block_size(block_device* b) { return DiskOf(b)->shape().physical; }
unsigned bdev_max_discard_sectors(block_device* b) { return DiskOf(b)->shape().discard ? 8192 : 0; }
unsigned bdev_write_zeroes_sectors(block_device*) { return 8192; }
unsigned bdev_max_secure_erase_sectors(block_device* b) {
  return DiskOf(b)->shape().discard ? 8192 : 0;
}
unsigned bdev_discard_granularity(block_device* b) { return DiskOf(b)->shape().logical; }
bool bdev_nonrot(block_device*) { return false; }
}
