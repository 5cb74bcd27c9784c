#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "remapfleet/v1/telemetry.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// Blocks of a drive around an error, to be checked.
struct NeighbourJob {
  std::string drive_id;
  std::string path;
  std::uint64_t begin_sector = 0;  // of the area, inside the target
  std::uint64_t end_sector = 0;
  std::uint64_t block_sectors = 8;
  // Not to be read: the errors themselves, and what is on slots or known to be unreadable. Sorted
  // or not.
  std::vector<v1::SectorRange> skip;
};

// One read of one block: its time, or nothing if it failed.
using TimedRead = std::function<std::optional<std::chrono::microseconds>(std::uint64_t sector,
                                                                         std::uint64_t sectors)>;

// Makes the reads of one device, by its node.
using OpenReads = std::function<Result<TimedRead>(const std::string& path)>;

// Reads each block of the area once; those that failed or were slow again. Reports those that
// needed retries, could not be read at all, or were slow twice (above 50 ms and above eight times
// the area's median: what a drive's own retries cost, not what a busy host does). Ends early at 64
// reports, after 20 s, or on stop.
std::vector<v1::WeakBlock> CheckNeighbours(const NeighbourJob& job, const TimedRead& read,
                                           std::stop_token stop);

// The real read: O_DIRECT from `path`, at idle priority of the calling thread.
Result<TimedRead> OpenForTimedReads(const std::string& path);

}  // namespace remapfleet::agent
