// What tests write: the bytes of a sector name the sector and the write that put them there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace remapfleet::sim {

constexpr std::size_t kSector = 512;

constexpr std::uint64_t kZeros = 0;
constexpr std::uint64_t kInitial = 1;
constexpr std::uint64_t kFirstWrite = 2;

void FillSector(std::uint64_t sector, std::uint64_t value, std::uint8_t* out);
// The value, or a sentence about what is there instead.
bool SectorValue(std::uint64_t sector, const std::uint8_t* data, std::uint64_t* value,
                 std::string* what);
// The same of a sector that may be any; false for bytes that FillSector never makes. Zeros are of
// no sector.
bool AnySectorValue(const std::uint8_t* data, std::uint64_t* sector, std::uint64_t* value);

}  // namespace remapfleet::sim
