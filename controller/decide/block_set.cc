#include "controller/decide/block_set.h"

#include <algorithm>
#include <iterator>

namespace remapfleet {

BlockSet::Blocks BlockSet::Touched(const v1::SectorRange& range) const {
  const std::uint64_t first = std::max(range.first_sector(), start_);
  // A range that would pass the end of the numbers cannot be inside the target anyway.
  const std::uint64_t room = end_ > range.first_sector() ? end_ - range.first_sector() : 0;
  const std::uint64_t end = range.first_sector() + std::min(range.sector_count(), room);
  if (room == 0 || first >= end) return {0, 0};
  return {(first - start_) / block_sectors_, (end - 1 - start_) / block_sectors_ + 1};
}

void BlockSet::Insert(Blocks blocks) {
  auto [first, end] = blocks;
  if (first == end) return;
  auto next = ends_.upper_bound(first);
  // The neighbour on the left that reaches `first`, and every one up to `end`, become part of it.
  if (next != ends_.begin() && std::prev(next)->second >= first) --next;
  while (next != ends_.end() && next->first <= end) {
    first = std::min(first, next->first);
    end = std::max(end, next->second);
    next = ends_.erase(next);
  }
  ends_.emplace(first, end);
}

void BlockSet::Add(const v1::SectorRange& range) { Insert(Touched(range)); }

void BlockSet::Remove(const v1::SectorRange& range) { (void)TakeTouched(range); }

BlockSet BlockSet::TakeTouched(const v1::SectorRange& range) {
  BlockSet taken(start_, end_, block_sectors_);
  const auto [first, end] = Touched(range);
  if (first == end) return taken;
  auto next = ends_.upper_bound(first);
  if (next != ends_.begin() && std::prev(next)->second > first) --next;
  while (next != ends_.end() && next->first < end) {
    const auto [own_first, own_end] = *next;
    next = ends_.erase(next);
    taken.Insert({std::max(first, own_first), std::min(end, own_end)});
    if (own_first < first) ends_.emplace(own_first, first);
    if (own_end > end) ends_.emplace(end, own_end);
  }
  return taken;
}

bool BlockSet::Touches(const v1::SectorRange& range) const {
  const auto [first, end] = Touched(range);
  const auto next = ends_.lower_bound(end);
  return first != end && next != ends_.begin() && std::prev(next)->second > first;
}

bool BlockSet::Contains(const v1::SectorRange& range) const {
  const auto [first, end] = Touched(range);
  const auto next = ends_.upper_bound(first);
  return first != end && next != ends_.begin() && std::prev(next)->second >= end;
}

std::uint64_t BlockSet::size() const {
  std::uint64_t blocks = 0;
  for (const auto& [first, end] : ends_) blocks += end - first;
  return blocks;
}

std::vector<v1::SectorRange> BlockSet::Ranges() const {
  std::vector<v1::SectorRange> ranges;
  for (const auto& [first, end] : ends_) {
    v1::SectorRange& range = ranges.emplace_back();
    range.set_first_sector(start_ + first * block_sectors_);
    // The target's last block may be cut short by the end of the drive.
    range.set_sector_count(std::min((end - first) * block_sectors_, end_ - range.first_sector()));
  }
  return ranges;
}

}  // namespace remapfleet
