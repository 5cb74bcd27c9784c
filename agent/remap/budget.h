#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "agent/posix/file_system.h"
#include "support/clock.h"

namespace remapfleet::agent {

// How many blocks may be moved in any hour. Kept on disk, so that a restart gives no new budget.
// One thread.
class Budget {
 public:
  // DATA_LOSS if the file is damaged: it may not be taken for an empty one.
  static Result<Budget> Open(FileSystem& files, const std::string& path,
                             std::uint64_t max_per_hour);

  // RESOURCE_EXHAUSTED if `blocks` more would be too many; charges nothing.
  Status Check(std::uint64_t blocks, TimePoint now);
  // The same, and notes them durably, before they are moved.
  Status Charge(std::uint64_t blocks, TimePoint now);

 private:
  struct Spending {
    TimePoint time;
    std::uint64_t blocks;
  };
  Budget(FileSystem& files, std::string path, std::uint64_t max_per_hour)
      : files_(&files), path_(std::move(path)), max_per_hour_(max_per_hour) {}
  void Forget(TimePoint now);

  FileSystem* files_;
  std::string path_;
  std::uint64_t max_per_hour_;
  std::deque<Spending> spendings_;
};

}  // namespace remapfleet::agent
