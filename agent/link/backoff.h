#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace remapfleet::agent {

// Full jitter: a random time below a ceiling that doubles with each failure, so that a fleet does
// not come back in step. Not thread-safe.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest, unsigned seed)
      : first_(first), longest_(longest), ceiling_(first), random_(seed) {}

  std::chrono::milliseconds Next() {
    std::uniform_int_distribution<std::chrono::milliseconds::rep> upto(0, ceiling_.count());
    ceiling_ = std::min(ceiling_ * 2, longest_);
    return std::chrono::milliseconds(upto(random_));
  }
  void Reset() { ceiling_ = first_; }

 private:
  const std::chrono::milliseconds first_;
  const std::chrono::milliseconds longest_;
  std::chrono::milliseconds ceiling_;
  std::minstd_rand random_;
};

}  // namespace remapfleet::agent
