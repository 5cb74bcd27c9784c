// A simulated disk: a volatile cache, sectors that fail, a power cut that keeps any part of what
// was not flushed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/sim/content.h"
#include "tests/sim/kernel.h"
#include "tests/sim/world.h"

namespace remapfleet::sim {

struct DiskShape {
  std::uint64_t sectors = 0;
  unsigned logical = 512;
  unsigned physical = 512;
  bool cache = true;  // has a volatile write cache
  bool discard = true;
};

struct Fault {
  blk_status_t status = BLK_STS_MEDIUM;
  bool reads = true;
  bool writes = false;
  bool until_written = false;  // a write that succeeds ends it
};

class Disk : public Source {
 public:
  Disk(std::string name, const DiskShape& shape);
  ~Disk() override;

  // For the kernel's side.
  block_device* bdev() { return &bdev_; }
  const std::string& name() const { return name_; }
  const DiskShape& shape() const { return shape_; }
  void Submit(bio* bio);
  unsigned Choices() override;
  void Happen(unsigned which) override;

  // For who sets things up and looks at them; what is seen is what a read would give.
  void Fill(std::uint64_t sector, const void* data, std::uint64_t sectors);
  void Read(std::uint64_t sector, void* data, std::uint64_t sectors) const;
  void SetBase(const std::uint8_t* base) {
    base_ = base;
  }              // what is there where nothing was written
  void Reset();  // forgets all that was written

  void SetFault(std::uint64_t sector, std::uint64_t sectors, const Fault& fault);
  void ClearFaults(std::uint64_t sector, std::uint64_t sectors);
  bool HasFaults() const { return !faults_.empty(); }
  // Fails as a whole, for now.
  bool Passing() const { return gone_ != BLK_STS_OK || fail_next_ != 0; }
  bool Faulty(std::uint64_t sector, bool write) const;
  void SetGone(blk_status_t status) { gone_ = status; }  // BLK_STS_OK: it is back
  blk_status_t gone() const { return gone_; }
  // The next so many I/Os fail with status, having been done or not.
  void FailNext(unsigned count, blk_status_t status) { fail_next_ = count, fail_status_ = status; }
  // What is under way is gone; of what was not flushed any part stays.
  void PowerCut(Random& random);
  std::uint64_t flushes() const { return flushes_; }
  std::uint64_t errors() const { return errors_; }
  // Those that say nothing about the medium: of SetGone() and FailNext().
  std::uint64_t passing_errors() const { return passing_errors_; }

 private:
  using Data = std::array<std::uint8_t, kSector>;
  struct Version {
    std::uint64_t completed;  // 0 while its I/O has not been answered
    std::shared_ptr<const Data> data;
    bio* by;
  };
  struct InFlight {
    bio* io;
    bool executed;
    std::uint64_t submitted;
    blk_status_t status;
  };

  void Execute(InFlight& f);
  void Complete(std::size_t at);
  blk_status_t StatusOf(const bio* bio);
  void ReadInto(bio* bio);
  void WriteFrom(bio* bio, bool durable, bool partly);
  void WriteSector(std::uint64_t sector, std::shared_ptr<const Data> data, bool durable, bio* by);
  void Flush(std::uint64_t submitted);
  void Store(std::uint64_t sector, const std::uint8_t* data);
  const std::uint8_t* Stored(std::uint64_t sector) const;

  std::string name_;
  DiskShape shape_;
  block_device bdev_;
  const std::uint8_t* base_ = nullptr;
  std::unordered_map<std::uint64_t, std::unique_ptr<std::uint8_t[]>>
      chunks_;                                            // durable, 4 KiB each
  std::map<std::uint64_t, std::vector<Version>> cached_;  // by sector, oldest first
  std::vector<InFlight> in_flight_;
  std::map<std::uint64_t, Fault> faults_;
  blk_status_t gone_ = BLK_STS_OK;
  unsigned fail_next_ = 0;
  blk_status_t fail_status_ = BLK_STS_OK;
  std::uint64_t clock_ = 1;
  std::uint64_t flushes_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t passing_errors_ = 0;
};

}  // namespace remapfleet::sim
