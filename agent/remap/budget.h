#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "support/clock.h"
#include "support/result.h"

namespace remapfleet::agent {

// How many blocks may be moved in any hour. Kept on disk, so that a restart gives no new budget.
// One thread.
class Budget {
 public:
  static Result<Budget> Open(const std::string& path, std::uint64_t max_per_hour);

  // RESOURCE_EXHAUSTED if `blocks` more would be too many; changes nothing.
  Status Check(std::uint64_t blocks, TimePoint now) const;
  // Notes `blocks` durably, before they are moved.
  Status Charge(std::uint64_t blocks, TimePoint now);

 private:
  struct Spending {
    TimePoint time;
    std::uint64_t blocks;
  };
  Budget(std::string path, std::uint64_t max_per_hour)
      : path_(std::move(path)), max_per_hour_(max_per_hour) {}
  std::uint64_t SpentSince(TimePoint begin) const;

  std::string path_;
  std::uint64_t max_per_hour_;
  std::deque<Spending> spendings_;
};

}  // namespace remapfleet::agent
