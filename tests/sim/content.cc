#include "tests/sim/content.h"

#include <cstring>

namespace remapfleet::sim {
namespace {

constexpr std::size_t kWords = kSector / 8;

std::uint64_t Mix(std::uint64_t sector, std::uint64_t value) {
  return (sector * 0x9E3779B97F4A7C15U) ^ (value * 0xC2B2AE3D27D4EB4FU) ^ 0x5bd1e995;
}

}  // namespace

void FillSector(std::uint64_t sector, std::uint64_t value, std::uint8_t* out) {
  std::uint64_t words[kWords] = {};
  if (value != kZeros) {
    words[0] = value;
    words[1] = sector;
    for (std::size_t i = 2; i < kWords; i++) words[i] = Mix(sector, value) + i;
  }
  std::memcpy(out, words, kSector);
}

bool AnySectorValue(const std::uint8_t* data, std::uint64_t* sector, std::uint64_t* value) {
  std::memcpy(value, data, sizeof(*value));
  std::memcpy(sector, data + sizeof(*value), sizeof(*sector));
  std::uint8_t expected[kSector];
  FillSector(*sector, *value, expected);
  return *value != kZeros && std::memcmp(expected, data, kSector) == 0;
}

bool SectorValue(std::uint64_t sector, const std::uint8_t* data, std::uint64_t* value,
                 std::string* what) {
  std::memcpy(value, data, sizeof(*value));
  std::uint8_t expected[kSector];
  FillSector(sector, *value, expected);
  if (std::memcmp(expected, data, kSector) == 0) return true;
  std::uint64_t other = 0;
  if (AnySectorValue(data, &other, value))
    *what = "value " + std::to_string(*value) + " of sector " + std::to_string(other);
  else
    *what = "bytes that nobody wrote";
  return false;
}

}  // namespace remapfleet::sim
