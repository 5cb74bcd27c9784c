// What happens in an episode: drawn from a seed, printed and read back as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/disk.h"

namespace remapfleet::sim {

struct Config {
  std::uint64_t seed = 0;
  DiskShape main;
  std::vector<DiskShape> spares;
  std::size_t spares_at_first = 1;  // how many of them the first table has
  std::uint64_t first_sectors = 0;  // of each, in the first table
  std::uint64_t begin = 0;          // of the target in the mapped device
  std::uint64_t length = 0;
  std::uint64_t data_offset = 0;
  unsigned block_size = 8;  // sectors
  unsigned slots = 0;       // about so many
  std::string features;     // further words of the table line, and how many
  unsigned depth = 4;       // I/Os at once
  unsigned preemption = 40;
  bool main_faults = false;
  bool spare_faults = false;
  bool power_cuts = true;
  bool memory_faults = false;
  bool scenes = false;

  unsigned unit() const;  // sectors of the largest logical block
  std::uint64_t blocks() const { return (length + block_size - 1) / block_size; }
};

enum class Kind : std::uint8_t {
  kRead,
  kWrite,
  kFlush,
  kDiscard,
  kZeroes,
  kErase,
  kMessage,
  kStatus,
  kFault,
  kHeal,
  kSpareFault,
  kSpareHeal,
  kTransport,
  kGone,
  kBack,
  kSuspend,
  kReload,
  kRemove,
  kPowerCut,
  kSettle,
  kMemory,
  kWait,  // for all I/O and messages
};

struct Op {
  Kind kind = Kind::kRead;
  std::uint64_t sector = 0;
  std::uint64_t sectors = 0;
  unsigned flags = 0;  // of a request; for faults: bits 0 reads, 1 writes, 2 until written, 3 IOERR
  unsigned device = 0;  // 0 main, then the spares
  std::string text;     // of a message
};

Config DrawConfig(std::uint64_t seed);
std::vector<Op> DrawFirstScene(const Config& config, Random& random);
std::vector<Op> DrawScene(const Config& config, Random& random);
std::vector<Op> DrawOps(const Config& config, std::uint64_t seed, unsigned n);
std::string Show(const Op& op);
std::string Show(const Config& config);

}  // namespace remapfleet::sim
