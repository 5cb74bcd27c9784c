#include "tests/sim/spares.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace remapfleet::sim {

Spares::Spares(const Config& config) : config_(config) {
  for (std::size_t i = 0; i < config.spares.size(); i++) {
    disks_.push_back(std::make_unique<Disk>("spare" + std::to_string(i), config.spares[i]));
    if (i < config.spares_at_first) now_.push_back({i, config.first_sectors});
    Wipe(disks_.back().get(), 0);
  }
  before_ = now_;
}

bool Spares::Has(std::size_t disk) const {
  return std::any_of(now_.begin(), now_.end(), [disk](const Member& m) { return m.disk == disk; });
}

// Both ends of what is to be formatted are zero. What a slot held before it was written must never
// be read.
void Spares::Wipe(Disk* disk, std::uint64_t from) {
  std::array<std::uint8_t, kSector> data{};
  for (std::uint64_t s = from; s < disk->shape().sectors; s++) {
    const auto near = [s](std::uint64_t at) { return s + 32 > at && s < at + 32; };
    const bool end = near(0) || near(config_.first_sectors) || near(disk->shape().sectors);
    data.fill(end ? 0 : 0xee);
    disk->Fill(s, data.data(), 1);
  }
}

std::string Spares::Table(const std::string& settings) const {
  std::string line =
      "1 main " + std::to_string(config_.data_offset) + " " + std::to_string(now_.size());
  for (const Member& m : now_)
    line += " " + disks_[m.disk]->name() + " 0 " + std::to_string(m.sectors);
  if (settings.empty()) return line + " " + config_.features;
  // behind the spares
  std::istringstream in(settings);
  std::string word;
  std::size_t n = 0;
  for (int i = 0; i < 3; i++) in >> word;
  in >> n;
  for (std::size_t i = 0; i < 3 * n; i++) in >> word;
  while (in >> word) line += " " + word;
  return line;
}

// The first spare of the list that is retired.
void Spares::Leave(const std::string& list) {
  std::istringstream in(list);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::size_t number = 0, areas = 0;
    std::string state;
    words >> number >> areas >> state;
    if (state != "retired" || number >= now_.size()) continue;
    now_.erase(now_.begin() + static_cast<std::ptrdiff_t>(number));
    return;
  }
}

void Spares::Change(Random& random, MappedDevice* device) {
  if (unsettled()) return;
  std::string list;
  switch (random.Below(4)) {
    case 0:
      for (Member& m : now_) {
        if (m.sectors == disks_[m.disk]->shape().sectors) continue;
        // what an earlier attempt left there may be older than what counts by now
        Wipe(disks_[m.disk].get(), m.sectors);
        m.sectors = disks_[m.disk]->shape().sectors;
        return;
      }
      return;
    case 1:
      if (device->Message("list spares", &list) == 0) Leave(list);
      return;
    case 2:
      for (std::size_t i = 0; i < disks_.size(); i++) {
        if (Has(i)) continue;
        Wipe(disks_[i].get(), 0);
        now_.push_back({i, random.OneIn(2) ? config_.first_sectors : disks_[i]->shape().sectors});
        return;
      }
      return;
    default:
      return;
  }
}

}  // namespace remapfleet::sim
