#include "agent/faults/storm.h"

#include <algorithm>

namespace remapfleet::agent {
namespace {

constexpr std::chrono::seconds kWindow{1};
// More places than this at once on one drive are one storm: the nearest place takes the error in.
constexpr std::size_t kMaxPlaces = 64;

}  // namespace

std::vector<v1::IoError> Storm::Add(v1::IoError error, Time now) {
  const std::uint64_t first = error.range().first_sector();
  const std::uint64_t end = first + error.range().sector_count();
  auto& places = places_[{error.drive_id(), error.operation(), error.provoked()}];
  const auto distance = [&](const Place& place) {
    if (end < place.first) return place.first - end;
    if (place.end < first) return first - place.end;
    return std::uint64_t{0};
  };
  auto nearest =
      std::min_element(places.begin(), places.end(),
                       [&](const Place& a, const Place& b) { return distance(a) < distance(b); });
  // A request inside a larger one that failed says more exactly where: it goes out at once.
  const bool narrower = nearest != places.end() && nearest->gathered.count() == 0 &&
                        first >= nearest->first && end <= nearest->end &&
                        end - first < nearest->end - nearest->first;
  if (places.size() < kMaxPlaces &&
      (nearest == places.end() || narrower || distance(*nearest) > 0)) {
    places.push_back({{}, first, end, now + kWindow});
    return {std::move(error)};
  }
  Place& place = *nearest;
  v1::IoError& gathered = place.gathered;
  if (gathered.count() == 0) {
    gathered = std::move(error);
  } else {
    const auto& range = gathered.range();
    const std::uint64_t low = std::min(range.first_sector(), first);
    const std::uint64_t high = std::max(range.first_sector() + range.sector_count(), end);
    gathered.mutable_range()->set_first_sector(low);
    gathered.mutable_range()->set_sector_count(high - low);
    gathered.set_count(gathered.count() + error.count());
  }
  place.first = std::min(place.first, first);
  place.end = std::max(place.end, end);
  return {};
}

std::vector<v1::IoError> Storm::Flush(Time now) {
  std::vector<v1::IoError> due;
  for (auto& [key, places] : places_) {
    for (Place& place : places) {
      if (place.due > now || place.gathered.count() == 0) continue;
      due.push_back(std::move(place.gathered));
      place.gathered.Clear();
      place.due = now + kWindow;
    }
    std::erase_if(places, [&](const Place& place) { return place.due <= now; });
  }
  std::erase_if(places_, [](const auto& entry) { return entry.second.empty(); });
  return due;
}

std::vector<v1::IoError> Storm::FlushAll() {
  std::vector<v1::IoError> all;
  for (auto& [key, places] : places_) {
    for (Place& place : places) {
      if (place.gathered.count() != 0) all.push_back(std::move(place.gathered));
    }
  }
  places_.clear();
  return all;
}

std::optional<Storm::Time> Storm::NextDue() const {
  std::optional<Time> next;
  for (const auto& [key, places] : places_) {
    for (const Place& place : places) {
      if (!next || place.due < *next) next = place.due;
    }
  }
  return next;
}

}  // namespace remapfleet::agent
