#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "support/result.h"

namespace remapfleet::agent {

// One reading of a disk's `stat` in sysfs (the kernel's Documentation/block/stat.rst), since the
// disk came. The kernel keeps times in milliseconds in 32 bits: they wrap.
struct BlockStat {
  std::uint64_t reads = 0;
  std::uint64_t read_ms = 0;  // of all reads together
  std::uint64_t writes = 0;
  std::uint64_t write_ms = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t busy_ms = 0;  // with anything under way
};

// INVALID_ARGUMENT for what is no such line: at least 11 numbers; later kernels have more.
Result<BlockStat> ParseBlockStat(std::string_view line);

// What a disk did between two readings. What cannot be known is absent.
struct BlockWork {
  std::chrono::milliseconds interval{};
  std::optional<std::uint64_t> reads;
  std::optional<std::uint64_t> writes;
  std::optional<std::chrono::microseconds> mean_read;
  std::optional<std::chrono::microseconds> mean_write;
  std::optional<double> utilisation;  // 0 to 1
  std::uint64_t in_flight = 0;        // at its end

  bool idle() const { return reads == 0U && writes == 0U && in_flight == 0; }
};

// Of one disk. Only `in_flight` is known if a counter went back, and no time is of an interval so
// long that times may have wrapped more than once.
BlockWork WorkBetween(const BlockStat& before, const BlockStat& now,
                      std::chrono::milliseconds interval);

}  // namespace remapfleet::agent
