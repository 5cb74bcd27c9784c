#include "controller/decide/block_set.h"

#include <algorithm>

namespace remapfleet {

std::pair<std::uint64_t, std::uint64_t> BlockSet::Touched(const v1::SectorRange& range) const {
  const std::uint64_t first = std::max(range.first_sector(), start_);
  // A range that would pass the end of the numbers cannot be inside the target anyway.
  const std::uint64_t room = end_ > range.first_sector() ? end_ - range.first_sector() : 0;
  const std::uint64_t end = range.first_sector() + std::min(range.sector_count(), room);
  if (room == 0 || first >= end) return {0, 0};
  return {(first - start_) / block_sectors_, (end - 1 - start_) / block_sectors_ + 1};
}

void BlockSet::Add(const v1::SectorRange& range) {
  const auto [first, end] = Touched(range);
  for (std::uint64_t block = first; block < end; ++block) blocks_.insert(block);
}

void BlockSet::Remove(const v1::SectorRange& range) { (void)TakeTouched(range); }

BlockSet BlockSet::TakeTouched(const v1::SectorRange& range) {
  BlockSet taken(start_, end_, block_sectors_);
  const auto [first, end] = Touched(range);
  const auto low = blocks_.lower_bound(first);
  const auto high = blocks_.lower_bound(end);
  taken.blocks_.insert(low, high);
  blocks_.erase(low, high);
  return taken;
}

bool BlockSet::Contains(const v1::SectorRange& range) const {
  const auto [first, end] = Touched(range);
  for (std::uint64_t block = first; block < end; ++block) {
    if (!blocks_.contains(block)) return false;
  }
  return first != end;
}

std::vector<v1::SectorRange> BlockSet::Ranges() const {
  std::vector<v1::SectorRange> ranges;
  std::uint64_t next = 0;
  for (const std::uint64_t block : blocks_) {
    const std::uint64_t first = start_ + block * block_sectors_;
    // The target's last block may be cut short by the end of the drive.
    const std::uint64_t count = std::min(block_sectors_, end_ - first);
    if (!ranges.empty() && block == next) {
      ranges.back().set_sector_count(ranges.back().sector_count() + count);
    } else {
      ranges.emplace_back().set_first_sector(first);
      ranges.back().set_sector_count(count);
    }
    next = block + 1;
  }
  return ranges;
}

}  // namespace remapfleet
