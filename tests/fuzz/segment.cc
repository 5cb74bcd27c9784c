// A file of the spool after a crash, and what was written of it before.
#include "agent/link/segment.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"

namespace {

using namespace remapfleet::agent;

// Every frame that is believed is one that was written so.
void RequireSegment(std::string_view bytes) {
  const auto parsed = ParseSegment(bytes);
  if (!parsed) return;
  Require(parsed->valid_bytes <= bytes.size());
  std::uint64_t end = kSegmentHeader;
  for (const Frame& frame : parsed->frames) {
    Require(frame.offset >= end + kFrameHeader);
    end = frame.offset + frame.size;
    Require(end <= parsed->valid_bytes);
    const std::string_view whole =
        bytes.substr(frame.offset - kFrameHeader, kFrameHeader + frame.size);
    const auto record = DecodeFrame(whole);
    Require(record.has_value() && EncodeFrame(frame.seq, *record) == whole);
  }
}

}  // namespace

// The first byte: how much of a good frame's end is torn off. What follows is that frame's record,
// and then once more the file itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequireSegment(input);
  const std::string header = EncodeSegmentHeader(std::string(36, 'b'));
  RequireSegment(header + input);
  const std::string first = EncodeFrame(7, input);
  std::string torn = EncodeFrame(8, input);
  torn.resize(torn.size() - std::min<std::size_t>(torn.size(), data[0]));
  RequireSegment(header + first + torn);
  const auto parsed = ParseSegment(header + first + torn);
  Require(parsed.has_value() && !parsed->frames.empty() && parsed->frames.front().seq == 7);
  Require(parsed->frames.size() == (data[0] == 0 ? 2 : 1));
  return 0;
}
