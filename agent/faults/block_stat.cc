#include "agent/faults/block_stat.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace remapfleet::agent {
namespace {

constexpr std::size_t kFewestFields = 11;  // discards and flushes came later
constexpr std::uint64_t kMaxTicks = std::numeric_limits<std::uint32_t>::max();
// In an hour a wrap takes more than 1000 requests under way all the time.
constexpr std::chrono::hours kLongest{1};
// The two clocks are not read at the same moment, and the kernel's is coarse.
constexpr std::uint64_t kSlackMs = 1000;

// Milliseconds between two readings of a time; it may have wrapped once.
std::optional<std::uint64_t> Ticks(std::uint64_t before, std::uint64_t now) {
  if (now >= before) return now - before;
  if (before > kMaxTicks) return std::nullopt;
  return now + kMaxTicks + 1 - before;
}

std::optional<std::chrono::microseconds> Mean(std::uint64_t count,
                                              std::optional<std::uint64_t> ticks) {
  if (count == 0 || !ticks) return std::nullopt;
  return std::chrono::microseconds(*ticks * 1000 / count);
}

}  // namespace

Result<BlockStat> ParseBlockStat(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\n";
  std::vector<std::uint64_t> fields;
  for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;
       at = line.find_first_not_of(kBlanks, at)) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(line.data() + at, line.data() + end, value);
    if (error != std::errc() || stop != line.data() + end) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("\"{}\" in a disk's stat is no number", line.substr(at, end - at)));
    }
    fields.push_back(value);
    at = end;
  }
  if (fields.size() < kFewestFields) {
    return Fail(Code::kInvalidArgument, fmt::format("a disk's stat has {} numbers, not at least {}",
                                                    fields.size(), kFewestFields));
  }
  return BlockStat{fields[0], fields[3], fields[4], fields[7], fields[8], fields[9]};
}

BlockWork WorkBetween(const BlockStat& before, const BlockStat& now,
                      std::chrono::milliseconds interval) {
  BlockWork work;
  work.interval = interval;
  work.in_flight = now.in_flight;
  if (interval.count() <= 0 || now.reads < before.reads || now.writes < before.writes) return work;
  work.reads = now.reads - before.reads;
  work.writes = now.writes - before.writes;
  if (interval > kLongest) return work;
  work.mean_read = Mean(*work.reads, Ticks(before.read_ms, now.read_ms));
  work.mean_write = Mean(*work.writes, Ticks(before.write_ms, now.write_ms));
  const auto length = static_cast<std::uint64_t>(interval.count());
  const auto busy = Ticks(before.busy_ms, now.busy_ms);
  if (busy && *busy <= length + kSlackMs) {
    work.utilisation = std::min(1.0, static_cast<double>(*busy) / static_cast<double>(length));
  }
  return work;
}

}  // namespace remapfleet::agent
