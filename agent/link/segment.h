#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace remapfleet::agent {

// One file of the spool. Header: "RFSPOOL1", then the boot id (36 bytes). Then frames:
// length (4 bytes), CRC32C of what follows (4), number (8), a serialised Record (length bytes); all
// little endian.
constexpr std::size_t kSegmentHeader = 8 + 36;
constexpr std::size_t kFrameHeader = 16;

std::uint32_t Crc32c(std::string_view bytes);

std::string EncodeSegmentHeader(const std::string& boot_id);
std::string EncodeFrame(std::uint64_t seq, std::string_view record);

// The serialised Record of a whole frame; DATA_LOSS if it is not as it was written.
Result<std::string_view> DecodeFrame(std::string_view frame);

struct Frame {
  std::uint64_t seq = 0;
  std::uint64_t offset = 0;  // of the serialised Record in the file
  std::uint32_t size = 0;
};

struct ParsedSegment {
  std::string boot_id;
  std::vector<Frame> frames;
  std::uint64_t valid_bytes = 0;  // what follows is torn
  std::uint64_t damaged_frames = 0;
};

// Everything up to the last frame that is whole; those with a bad checksum before it are left out
// and counted. DATA_LOSS if not even the header is.
Result<ParsedSegment> ParseSegment(std::string_view bytes);

}  // namespace remapfleet::agent
