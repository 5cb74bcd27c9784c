#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "remapfleet/v1/types.pb.h"

namespace remapfleet {

// Blocks of a target, addressed by sectors of the whole drive. Costs by the number of separate
// ranges, not of blocks: one record may name a whole drive. Pure.
class BlockSet {
 public:
  // The target covers sectors [start, end) of the drive in blocks of `block_sectors`, from `start`
  // on.
  BlockSet(std::uint64_t start, std::uint64_t end, std::uint64_t block_sectors)
      : start_(start), end_(end), block_sectors_(block_sectors) {}

  // Adds or removes every block that the range touches; what lies outside the target is ignored.
  void Add(const v1::SectorRange& range);
  void Remove(const v1::SectorRange& range);
  // Removes and returns the blocks that the range touches.
  BlockSet TakeTouched(const v1::SectorRange& range);

  bool Touches(const v1::SectorRange& range) const;   // at least one block of it
  bool Contains(const v1::SectorRange& range) const;  // all of it, in whole blocks
  bool empty() const { return ends_.empty(); }
  std::uint64_t size() const;  // blocks

  // Adjacent blocks merged, in order.
  std::vector<v1::SectorRange> Ranges() const;

 private:
  using Blocks = std::pair<std::uint64_t, std::uint64_t>;  // half-open range of block numbers
  Blocks Touched(const v1::SectorRange& range) const;
  void Insert(Blocks blocks);

  std::uint64_t start_;
  std::uint64_t end_;
  std::uint64_t block_sectors_;
  std::map<std::uint64_t, std::uint64_t> ends_;  // first block → end; apart from each other
};

}  // namespace remapfleet
