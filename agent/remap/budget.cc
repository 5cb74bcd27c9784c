#include "agent/remap/budget.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>

namespace remapfleet::agent {
namespace {

// Charges of one change follow each other closely: they share a line.
constexpr std::chrono::seconds kSameLine{60};
constexpr std::string_view kDevice = "device=";

}  // namespace

Result<Budget> Budget::Open(FileSystem& files, const std::string& path, BudgetLimits limits) {
  Budget budget(files, path, limits);
  const auto text = files.Read(path);
  if (!text && text.error().code() == Code::kNotFound) return budget;
  if (!text) return Fail(text.error());
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::int64_t microseconds = 0;
    std::uint64_t blocks = 0;
    std::string device;
    bool good = static_cast<bool>(words >> microseconds >> blocks);
    if (words >> device) good = good && device.starts_with(kDevice);
    if (!good || !(words >> std::ws).eof()) {
      return Fail(Code::kDataLoss,
                  path +
                      ": damaged, so that it is not known what was moved in the last hour; "
                      "move it away when an hour has passed");
    }
    if (!device.empty()) device.erase(0, kDevice.size());
    budget.spendings_.push_back(
        {TimePoint(std::chrono::microseconds(microseconds)), blocks, std::move(device)});
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

Status Budget::Check(const std::string& device, std::uint64_t blocks, TimePoint now) {
  Forget(now);
  std::uint64_t left = limits_.blocks;
  std::set<std::string> devices;
  for (const Spending& spending : spendings_) {
    left -= std::min(left, spending.blocks);
    if (!spending.device.empty()) devices.insert(spending.device);
  }
  if (blocks > left) {
    return Fail(Code::kResourceExhausted,
                fmt::format("{} blocks asked for, {} of {} an hour are left on this node "
                            "(remap.max_blocks_per_hour)",
                            blocks, left, limits_.blocks));
  }
  if (!devices.contains(device) && devices.size() >= limits_.devices) {
    return Fail(Code::kResourceExhausted,
                fmt::format("blocks were moved on {} devices within this hour ({}), and this node "
                            "allows {} (remap.max_devices_per_hour)",
                            devices.size(), fmt::join(devices, ", "), limits_.devices));
  }
  return {};
}

Status Budget::Charge(const std::string& device, std::uint64_t blocks, TimePoint now) {
  if (auto allowed = Check(device, blocks, now); !allowed) return allowed;
  if (!spendings_.empty() && spendings_.back().device == device &&
      now - spendings_.back().time < kSameLine) {
    // The later time stands for both.
    spendings_.back() = {now, spendings_.back().blocks + blocks, device};
  } else {
    spendings_.push_back({now, blocks, device});
  }
  std::string text;
  for (const Spending& spending : spendings_) {
    text += fmt::format("{} {}", spending.time.time_since_epoch().count(), spending.blocks);
    text += spending.device.empty() ? "\n" : fmt::format(" {}{}\n", kDevice, spending.device);
  }
  return files_->WriteDurably(path_, text);
}

}  // namespace remapfleet::agent
