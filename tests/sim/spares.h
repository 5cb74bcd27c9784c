// The spares that a table gives to the target, and how they change: one grows, is evacuated and
// left out, or is added.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/disk.h"
#include "tests/sim/mapped_device.h"
#include "tests/sim/ops.h"

namespace remapfleet::sim {

class Spares {
 public:
  explicit Spares(const Config& config);
  const std::vector<std::unique_ptr<Disk>>& disks() const { return disks_; }

  // The table line for what is so now. Settings are taken over from another line, if there is one.
  std::string Table(const std::string& settings = "") const;
  // A change, perhaps. It may be durable or not from now on, until Settled().
  void Change(Random& random, MappedDevice* device);
  void Settled() { before_ = now_; }
  bool unsettled() const { return before_ != now_; }
  // As it was before the change, or as it is to be; the latter has to load whatever has happened.
  void GoBack() { std::swap(before_, now_); }

 private:
  struct Member {
    std::size_t disk;
    std::uint64_t sectors;
    bool operator==(const Member&) const = default;
  };
  bool Has(std::size_t disk) const;
  void Leave(const std::string& list);
  void Wipe(Disk* disk, std::uint64_t from);

  const Config& config_;
  std::vector<std::unique_ptr<Disk>> disks_;
  std::vector<Member> now_, before_;
};

}  // namespace remapfleet::sim
