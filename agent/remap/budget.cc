#include "agent/remap/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace remapfleet::agent {
namespace {

// Charges of one change follow each other closely: they share a line.
constexpr std::chrono::seconds kSameLine{60};

}  // namespace

Result<Budget> Budget::Open(FileSystem& files, const std::string& path,
                            std::uint64_t max_per_hour) {
  Budget budget(files, path, max_per_hour);
  const auto text = files.Read(path);
  if (!text && text.error().code() == Code::kNotFound) return budget;
  if (!text) return Fail(text.error());
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::int64_t microseconds = 0;
    std::uint64_t blocks = 0;
    if (!(words >> microseconds >> blocks) || !(words >> std::ws).eof()) {
      return Fail(Code::kDataLoss,
                  path +
                      ": damaged, so that it is not known what was moved in the last hour; "
                      "move it away when an hour has passed");
    }
    budget.spendings_.push_back({TimePoint(std::chrono::microseconds(microseconds)), blocks});
  }
  return budget;
}

// What lies in the future, since the clock was set back, counts from now: nothing is forgotten
// early, and nothing is kept for ever.
void Budget::Forget(TimePoint now) {
  for (Spending& spending : spendings_) spending.time = std::min(spending.time, now);
  std::erase_if(spendings_, [&](const Spending& spending) {
    return spending.time <= now - std::chrono::hours(1);
  });
}

Status Budget::Check(std::uint64_t blocks, TimePoint now) {
  Forget(now);
  std::uint64_t left = max_per_hour_;
  for (const Spending& spending : spendings_) left -= std::min(left, spending.blocks);
  if (blocks <= left) return {};
  return Fail(Code::kResourceExhausted,
              fmt::format("{} blocks asked for, {} of {} an hour are left on this node "
                          "(remap.max_blocks_per_hour)",
                          blocks, left, max_per_hour_));
}

Status Budget::Charge(std::uint64_t blocks, TimePoint now) {
  if (auto allowed = Check(blocks, now); !allowed) return allowed;
  if (!spendings_.empty() && now - spendings_.back().time < kSameLine) {
    // The later time stands for both.
    spendings_.back() = {now, spendings_.back().blocks + blocks};
  } else {
    spendings_.push_back({now, blocks});
  }
  std::string text;
  for (const Spending& spending : spendings_) {
    text += fmt::format("{} {}\n", spending.time.time_since_epoch().count(), spending.blocks);
  }
  return files_->WriteDurably(path_, text);
}

}  // namespace remapfleet::agent
