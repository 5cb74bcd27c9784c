#include "agent/remap/budget.h"

#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

#include "agent/posix/files.h"

namespace remapfleet::agent {

Result<Budget> Budget::Open(const std::string& path, std::uint64_t max_per_hour) {
  Budget budget(path, max_per_hour);
  if (access(path.c_str(), F_OK) != 0) return budget;
  auto text = ReadFile(path);
  if (!text) return Fail(text.error());
  std::istringstream lines(*text);
  std::int64_t microseconds = 0;
  std::uint64_t blocks = 0;
  while (lines >> microseconds >> blocks) {
    budget.spendings_.push_back({TimePoint(std::chrono::microseconds(microseconds)), blocks});
  }
  return budget;
}

std::uint64_t Budget::SpentSince(TimePoint begin) const {
  std::uint64_t spent = 0;
  // What lies in the future, after the clock was set back, counts too.
  for (const Spending& spending : spendings_) {
    if (spending.time > begin) spent += spending.blocks;
  }
  return spent;
}

Status Budget::Check(std::uint64_t blocks, TimePoint now) const {
  const std::uint64_t spent = SpentSince(now - std::chrono::hours(1));
  if (spent + blocks <= max_per_hour_) return {};
  return Fail(Code::kResourceExhausted,
              fmt::format("{} blocks asked for, {} moved in the last hour, this node allows {} "
                          "(remap.max_blocks_per_hour)",
                          blocks, spent, max_per_hour_));
}

Status Budget::Charge(std::uint64_t blocks, TimePoint now) {
  std::erase_if(spendings_, [&](const Spending& spending) {
    return spending.time <= now - std::chrono::hours(1);
  });
  spendings_.push_back({now, blocks});
  std::string text;
  for (const Spending& spending : spendings_) {
    text += fmt::format("{} {}\n", spending.time.time_since_epoch().count(), spending.blocks);
  }
  return WriteFileDurably(path_, text);
}

}  // namespace remapfleet::agent
