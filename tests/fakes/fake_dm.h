#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "agent/remap/dm_port.h"

namespace remapfleet::agent {

// Device-mapper with the target "remap" on disks in memory, as far as its published grammar goes.
// Thread-safe, so that a test may look on.
class FakeDm final : public DmPort {
 public:
  struct Spare {
    std::uint64_t slots = 1000;
    std::string main;                  // empty: blank
    std::set<std::uint64_t> remapped;  // blocks on slots
  };
  struct Counts {
    std::uint64_t formats = 0;
    std::uint64_t creates = 0;
    std::uint64_t moves = 0;  // blocks that a message moved to slots
    std::uint64_t sets = 0;
  };

  Result<std::optional<DmInfo>> Info(const std::string& name) override;
  Status Create(const std::string& name, const std::string& uuid, const DmTarget& table) override;
  Status Load(const std::string& name, const DmTarget& table) override;
  Status Resume(const std::string& name) override;
  Result<DmTarget> Table(const std::string& name) override;
  Result<DmTarget> StatusOf(const std::string& name) override;
  Result<std::string> Message(const std::string& name, const std::string& text) override;

  // The machine starts anew: spares keep what they hold.
  void Reboot();
  // What others do.
  void AddDevice(const std::string& name, const std::string& uuid, std::optional<DmTarget> live,
                 bool suspended = false);
  void Suspend(const std::string& name);
  void Unmap(const std::string& spare, std::uint64_t block);
  void SetUnreadable(const std::string& main, std::uint64_t block);
  // `remap` answers as if it had done it, and does nothing.
  void SetLying(bool lying);
  Spare& SpareOn(const std::string& device);
  Counts counts() const;

 private:
  struct Device {
    std::string uuid;
    std::optional<DmTarget> live;
    std::optional<DmTarget> inactive;
    bool suspended = false;
    std::set<std::uint64_t> pending;
    std::map<std::string, std::string> settings{{"pending_write", "remap"}, {"read_retries", "2"},
                                                {"error_burst", "4096"},    {"alloc", "wear"},
                                                {"scrub_rate", "0"},        {"sample_rate", "0"}};
  };
  Device* Find(const std::string& name);
  Status MakeLive(Device& device, const DmTarget& table);
  Result<std::string> Answer(Device& device, const std::vector<std::string>& words);
  Result<std::string> RemapBlocks(Device& device, std::uint64_t first, std::uint64_t count);
  std::string ListOf(const std::set<std::uint64_t>& blocks, const std::string& state,
                     std::uint64_t cursor) const;

  mutable std::mutex mutex_;
  std::map<std::string, Device> devices_;
  std::map<std::string, Spare> spares_;                        // by "major:minor"
  std::map<std::string, std::set<std::uint64_t>> unreadable_;  // of mains, by "major:minor"
  Counts counts_;
  bool lying_ = false;
};

}  // namespace remapfleet::agent
