#include "agent/remap/extents.h"

#include <fmt/format.h>

#include <algorithm>

namespace remapfleet::agent {

std::vector<Extent> Normalise(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
  std::vector<Extent> joined;
  for (const Extent& extent : extents) {
    if (!joined.empty() && extent.first <= joined.back().end()) {
      joined.back().count = std::max(joined.back().end(), extent.end()) - joined.back().first;
    } else {
      joined.push_back(extent);
    }
  }
  return joined;
}

std::vector<Extent> Subtract(const std::vector<Extent>& wanted, const std::vector<Extent>& have) {
  std::vector<Extent> rest;
  auto taken = have.begin();
  for (const Extent& extent : wanted) {
    std::uint64_t at = extent.first;
    while (taken != have.end() && taken->end() <= at) ++taken;
    for (auto it = taken; it != have.end() && it->first < extent.end(); ++it) {
      if (it->first > at) rest.push_back({at, it->first - at});
      at = std::max(at, it->end());
    }
    if (at < extent.end()) rest.push_back({at, extent.end() - at});
  }
  return rest;
}

std::uint64_t TotalBlocks(const std::vector<Extent>& extents) {
  std::uint64_t total = 0;
  for (const Extent& extent : extents) total += extent.count;
  return total;
}

Result<Extent> ToBlocks(const v1::SectorRange& range, std::uint64_t data_offset,
                        std::uint64_t block_sectors, std::uint64_t target_sectors) {
  const std::uint64_t first = range.first_sector();
  const std::uint64_t count = range.sector_count();
  if (count == 0 || first < data_offset || first - data_offset > target_sectors ||
      count > target_sectors - (first - data_offset)) {
    return Fail(Code::kOutOfRange,
                fmt::format("range {}+{} is not inside the device (sectors {} to {} of the drive)",
                            first, count, data_offset, data_offset + target_sectors - 1));
  }
  const std::uint64_t begin = (first - data_offset) / block_sectors;
  const std::uint64_t end = (first - data_offset + count - 1) / block_sectors + 1;
  return Extent{begin, end - begin};
}

}  // namespace remapfleet::agent
