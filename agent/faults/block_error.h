#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "remapfleet/v1/telemetry.pb.h"
#include "support/clock.h"

namespace remapfleet::agent {

// One failed request as the block layer tells of it. Sectors of 512 bytes of the whole disk.
struct BlockError {
  unsigned major = 0;
  unsigned minor = 0;
  std::uint64_t sector = 0;
  std::uint64_t sectors = 1;  // 0: of no place, as a flush
  v1::IoError::Operation operation = v1::IoError::OPERATION_OTHER;
  int errno_value = 0;             // positive
  std::uint64_t monotonic_us = 0;  // 0: not known
};

// A line of trace_pipe with the event block_rq_error, of any kernel from 6.1; nothing for other
// lines.
std::optional<BlockError> ParseTraceLine(std::string_view line);

// Events that the kernel says it dropped, from a line such as "CPU:0 [LOST 12 EVENTS]"; 0 for other
// lines.
std::uint64_t ParseLostEvents(std::string_view line);

// A record of /dev/kmsg in either wording of the kernel; names the disk instead of its number.
struct LoggedError {
  std::string_view disk;  // e.g. "sda"
  BlockError error;       // major and minor are 0
};
std::optional<LoggedError> ParseLogRecord(std::string_view record);

}  // namespace remapfleet::agent
