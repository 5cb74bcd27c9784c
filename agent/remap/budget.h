#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "agent/posix/file_system.h"
#include "support/clock.h"

namespace remapfleet::agent {

// What may be moved in any hour, by this node as a whole.
struct BudgetLimits {
  std::uint64_t blocks = 0;
  std::uint64_t devices = 0;  // on which blocks are moved
};

// How much of it is spent. Kept on disk, so that a restart gives no new budget. One thread.
class Budget {
 public:
  // DATA_LOSS if the file is damaged: it may not be taken for an empty one.
  static Result<Budget> Open(FileSystem& files, const std::string& path, BudgetLimits limits);

  // RESOURCE_EXHAUSTED if `blocks` more on `device` would be too many, or it one device too many;
  // charges nothing.
  Status Check(const std::string& device, std::uint64_t blocks, TimePoint now);
  // The same, and notes them durably, before they are moved.
  Status Charge(const std::string& device, std::uint64_t blocks, TimePoint now);

 private:
  struct Spending {
    TimePoint time;
    std::uint64_t blocks;
    std::string device;  // empty: from before it was noted
  };
  Budget(FileSystem& files, std::string path, BudgetLimits limits)
      : files_(&files), path_(std::move(path)), limits_(limits) {}
  void Forget(TimePoint now);

  FileSystem* files_;
  std::string path_;
  BudgetLimits limits_;
  std::deque<Spending> spendings_;
};

}  // namespace remapfleet::agent
