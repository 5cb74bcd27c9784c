#include "agent/link/segment.h"

#include <array>
#include <utility>

namespace remapfleet::agent {
namespace {

constexpr std::string_view kMagic = "RFSPOOL1";

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto kTable = MakeTable();

template <class T>
void Put(std::string& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  }
}

template <class T>
T Get(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  }
  return value;
}

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes)
    crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::string EncodeSegmentHeader(const std::string& boot_id) {
  std::string header(kMagic);
  header += boot_id;
  header.resize(kSegmentHeader, ' ');
  return header;
}

std::string EncodeFrame(std::uint64_t seq, std::string_view record) {
  std::string body;
  Put(body, seq);
  body += record;
  std::string frame;
  Put(frame, static_cast<std::uint32_t>(record.size()));
  Put(frame, Crc32c(body));
  return frame + body;
}

Result<std::string_view> DecodeFrame(std::string_view frame) {
  if (frame.size() < kFrameHeader || Get<std::uint32_t>(frame) != frame.size() - kFrameHeader ||
      Get<std::uint32_t>(frame.substr(4)) != Crc32c(frame.substr(8))) {
    return Fail(Code::kDataLoss, "a damaged frame");
  }
  return frame.substr(kFrameHeader);
}

Result<ParsedSegment> ParseSegment(std::string_view bytes) {
  if (bytes.size() < kSegmentHeader || bytes.substr(0, kMagic.size()) != kMagic) {
    return Fail(Code::kDataLoss, "no segment header");
  }
  ParsedSegment segment;
  segment.boot_id = std::string(bytes.substr(kMagic.size(), kSegmentHeader - kMagic.size()));
  segment.valid_bytes = kSegmentHeader;
  std::uint64_t damaged = 0;  // since the last whole one: of no account if none follows
  for (std::uint64_t at = kSegmentHeader; bytes.size() - at >= kFrameHeader;) {
    const std::string_view rest = bytes.substr(at);
    const auto size = Get<std::uint32_t>(rest);
    if (rest.size() - kFrameHeader < size) break;
    const bool whole = Crc32c(rest.substr(8, 8 + size)) == Get<std::uint32_t>(rest.substr(4));
    const std::uint64_t end = at + kFrameHeader + size;
    if (whole) {
      segment.frames.push_back({Get<std::uint64_t>(rest.substr(8)), at + kFrameHeader, size});
      segment.valid_bytes = end;
      segment.damaged_frames += std::exchange(damaged, 0);
    } else {
      ++damaged;
    }
    at = end;
  }
  return segment;
}

}  // namespace remapfleet::agent
