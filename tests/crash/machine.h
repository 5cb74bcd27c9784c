// Boots the target on what a power cut left, in the simulated kernel, and reads all of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/crash/excuses.h"
#include "tests/crash/medium.h"
#include "tests/sim/mapped_device.h"
#include "tests/sim/model.h"

namespace remapfleet::crash {

struct Point {
  std::size_t at = 0;  // entries before it are in the log
  Survives survives = Survives::kLogged;
  bool faults = false;  // what failed fails still; otherwise all can be read
  bool twice = false;   // removed in order after it was read, and once more
  std::uint64_t seed = 0;
};
std::string Show(const Point& point);

class Machine {
 public:
  Machine(sim::Module* module, const History& history);
  // Empty, or what is wrong.
  std::string Check(const Point& point, Medium* medium, const Excuses& excuses, sim::Model model);

 private:
  void Put(const Point& point, Medium* medium, const Excuses& excuses);
  void Boot();
  void ReadAll(const Excuses& excuses, sim::Model* model);
  // Sectors whose read failed.
  void ReadPart(const std::vector<std::uint64_t>& starts, unsigned sectors, sim::Model* model,
                std::vector<std::uint64_t>* failed);
  void Remove();
  void PowerOff();

  sim::Module* module_;
  const History& history_;
  std::vector<std::unique_ptr<sim::Disk>> disks_;  // main, then the spares
  std::unique_ptr<sim::MappedDevice> device_;
  std::array<sim::Request, 8> requests_;  // as many reads at once
};

}  // namespace remapfleet::crash
