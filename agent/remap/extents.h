#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// A run of blocks; never empty.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t end() const { return first + count; }
  bool operator==(const Extent&) const = default;
};

// Sorted, joined where they touch or overlap.
std::vector<Extent> Normalise(std::vector<Extent> extents);

// What of `wanted` is not in `have`. Both normalised.
std::vector<Extent> Subtract(const std::vector<Extent>& wanted, const std::vector<Extent>& have);

std::uint64_t TotalBlocks(const std::vector<Extent>& extents);

// Ranges in sectors of the drive as blocks of the target, widened to whole blocks. OUT_OF_RANGE if
// one is not wholly inside the target.
Result<Extent> ToBlocks(const v1::SectorRange& range, std::uint64_t data_offset,
                        std::uint64_t block_sectors, std::uint64_t target_sectors);

}  // namespace remapfleet::agent
