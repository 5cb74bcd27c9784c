// What the kernel's side keeps between calls, for the simulation to look at and to drop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace remapfleet::sim {

struct Memory {
  std::size_t allocations = 0;
  std::size_t bytes = 0;
  unsigned fail_one_in = 0;  // allocations that may fail do so once in so many
  std::uint64_t failed = 0;  // how many did
};

Memory& KernelMemory();
void DropKernelMemory();  // the power is gone
void DropKernelWork();
void DropRcu();
std::uint64_t KernelTableEvents();
// The log: nothing is kept unless wanted.
void KeepKernelLog(bool keep);
std::string TakeKernelLog();
void SeedKernelRandom(std::uint64_t seed);

}  // namespace remapfleet::sim
