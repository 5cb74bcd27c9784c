#include "agent/faults/storm.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace remapfleet::agent {
namespace {

constexpr std::chrono::seconds kWindow{1};

std::uint64_t End(const v1::SectorRange& range) {
  return range.first_sector() + range.sector_count();
}

std::uint64_t Distance(const v1::SectorRange& a, const v1::SectorRange& b) {
  if (End(a) < b.first_sector()) return b.first_sector() - End(a);
  if (End(b) < a.first_sector()) return a.first_sector() - End(b);
  return 0;
}

void Count(v1::IoError& into, const v1::IoError& error) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  into.set_count(
      static_cast<std::uint32_t>(std::min(kMost, std::uint64_t{into.count()} + error.count())));
}

}  // namespace

std::vector<v1::IoError> Storm::Add(v1::IoError error, Time now) {
  const auto [found, fresh] =
      windows_.try_emplace({error.drive_id(), error.operation(), error.provoked()});
  Window& window = found->second;
  if (fresh) window.due = now + kWindow;
  const Place key{error.range().first_sector(), End(error.range())};
  const auto place = window.places.find(key);
  if (place == window.places.end()) {
    // What has no place is one more at most, and must not widen a range.
    if (window.places.size() >= kExact && error.has_range()) {
      Summarise(window, std::move(error));
      return {};
    }
    if (window.sent < kAtOnce) {
      ++window.sent;
      window.places.try_emplace(key);
      return {std::move(error)};
    }
    window.places.emplace(key, std::move(error));
    return {};
  }
  if (place->second.count() == 0) {
    place->second = std::move(error);
  } else {
    Count(place->second, error);
  }
  return {};
}

// The nearest range takes it in: there it covers the least that is not bad.
void Storm::Summarise(Window& window, v1::IoError error) {
  error.set_summary(true);
  auto& summaries = window.summaries;
  const auto nearest = std::min_element(
      summaries.begin(), summaries.end(), [&](const v1::IoError& a, const v1::IoError& b) {
        return Distance(a.range(), error.range()) < Distance(b.range(), error.range());
      });
  if (nearest == summaries.end() ||
      (summaries.size() < kSummaries && Distance(nearest->range(), error.range()) > 0)) {
    summaries.push_back(std::move(error));
    return;
  }
  v1::SectorRange& range = *nearest->mutable_range();
  const std::uint64_t low = std::min(range.first_sector(), error.range().first_sector());
  const std::uint64_t high = std::max(End(range), End(error.range()));
  range.set_first_sector(low);
  range.set_sector_count(high - low);
  Count(*nearest, error);
}

// Leaves the places that had something: their next error is a repeat.
void Storm::Take(Window& window, std::vector<v1::IoError>& records) {
  std::erase_if(window.places, [](const auto& entry) { return entry.second.count() == 0; });
  for (auto& [place, error] : window.places) records.push_back(std::exchange(error, {}));
  for (v1::IoError& error : window.summaries) records.push_back(std::move(error));
  window.summaries.clear();
  window.sent = 0;
}

std::vector<v1::IoError> Storm::Flush(Time now) {
  std::vector<v1::IoError> due;
  for (auto& [key, window] : windows_) {
    if (window.due > now) continue;
    Take(window, due);
    window.due = now + kWindow;
  }
  std::erase_if(windows_, [](const auto& entry) {
    return entry.second.places.empty() && entry.second.sent == 0;
  });
  return due;
}

std::vector<v1::IoError> Storm::FlushAll() {
  std::vector<v1::IoError> all;
  for (auto& [key, window] : windows_) Take(window, all);
  windows_.clear();
  return all;
}

std::optional<Storm::Time> Storm::NextDue() const {
  std::optional<Time> next;
  for (const auto& [key, window] : windows_) {
    if (!next || window.due < *next) next = window.due;
  }
  return next;
}

}  // namespace remapfleet::agent
