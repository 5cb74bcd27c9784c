#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "agent/link/backoff.h"

namespace remapfleet::agent {

// Which of several controllers is to be tried next, and when. Each address has a backoff of its
// own. The first in the order of preference that may be tried is: so an agent stays where it is
// while its stream lasts, and comes back to the first one with a later stream. Not thread-safe.
class Failover {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Turn {
    std::size_t address;
    std::chrono::milliseconds wait;
  };

  // `addresses` is at least 1.
  Failover(std::size_t addresses, unsigned seed) {
    for (std::size_t i = 0; i < addresses; ++i) {
      places_.push_back(
          {Time::min(), Backoff(kFirst, kLongest, seed + static_cast<unsigned>(2 * i)),
           Backoff(kFirstSlow, kLongestSlow, seed + static_cast<unsigned>(2 * i + 1))});
    }
  }

  Turn Next(Time now) const {
    std::size_t best = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].not_before <= now) return {i, std::chrono::milliseconds(0)};
      if (places_[i].not_before < places_[best].not_before) best = i;
    }
    return {best, std::chrono::ceil<std::chrono::milliseconds>(places_[best].not_before - now)};
  }

  // A stream has ended, or there was none. `asked` is what the controller wants to pass first.
  void Ended(std::size_t address, Time now, std::chrono::milliseconds asked) {
    // At least a moment, in which the others come first.
    places_[address].not_before =
        now + asked + std::max(std::chrono::milliseconds(1), places_[address].quick.Next());
  }
  // What waiting does not mend: this node's certificate is not taken, or cannot be read.
  void Refused(std::size_t address, Time now) {
    places_[address].not_before = now + kRefused + places_[address].slow.Next();
  }
  // The stream has lasted: what comes is its first failure.
  void Settled(std::size_t address) {
    places_[address].quick.Reset();
    places_[address].slow.Reset();
  }

 private:
  static constexpr std::chrono::milliseconds kFirst{200};
  static constexpr std::chrono::milliseconds kLongest{30'000};
  static constexpr std::chrono::milliseconds kFirstSlow{10'000};
  static constexpr std::chrono::milliseconds kLongestSlow{60'000};
  static constexpr std::chrono::milliseconds kRefused{5'000};

  struct Place {
    Time not_before;
    Backoff quick;
    Backoff slow;
  };
  std::vector<Place> places_;
};

}  // namespace remapfleet::agent
