// Lines of the kernel's trace and log. The first byte picks the parser.
#include <cstdint>
#include <string_view>

#include "agent/faults/block_error.h"
#include "tests/fuzz/require.h"

namespace {

using namespace remapfleet::agent;

// What is told of as bad is a place that a disk may have, or none; and it is an error.
void RequireError(const BlockError& error) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 54;
  Require(error.sectors != 0 || error.sector == 0);
  Require(error.sectors <= kEnd && error.sector <= kEnd - error.sectors);
  Require(error.errno_value > 0 && error.errno_value < 4096);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view line(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      if (const auto error = ParseTraceLine(line)) RequireError(*error);
      break;
    case 1:
      if (const auto logged = ParseLogRecord(line)) {
        RequireError(logged->error);
        Require(!logged->disk.empty() && logged->disk.data() >= line.data() &&
                logged->disk.data() + logged->disk.size() <= line.data() + line.size());
      }
      break;
    default:
      if (ParseLostEvents(line) != 0) Require(line.find("LOST") != std::string_view::npos);
  }
  return 0;
}
