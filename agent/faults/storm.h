#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet::agent {

// Turns a storm of errors into a few records. The first error of a place goes out at once; its
// repeats within a second are gathered into one record with a count. What comes from more places
// than that is gathered into summaries, which cover all of it and are marked as such. Counts add
// up, and no place is left out. One thread.
class Storm {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // For each drive, operation, and whether the agent provoked it, a second makes at most
  // kExact + kSummaries records more than it has sent at once, and takes as much memory.
  static constexpr std::size_t kAtOnce = 16;     // records: each is a write to the spool of its own
  static constexpr std::size_t kExact = 256;     // places
  static constexpr std::size_t kSummaries = 16;  // ranges

  // Records to send now: the error itself, or nothing if it was gathered.
  std::vector<v1::IoError> Add(v1::IoError error, Time now);
  // What was gathered and is due.
  std::vector<v1::IoError> Flush(Time now);
  // All that was gathered, due or not.
  std::vector<v1::IoError> FlushAll();
  // When the next is due; nothing if nothing is gathered.
  std::optional<Time> NextDue() const;

 private:
  using Place =
      std::pair<std::uint64_t, std::uint64_t>;  // first sector and the one behind the last
  struct Window {
    Time due{};
    std::size_t sent = 0;                 // at once
    std::map<Place, v1::IoError> places;  // count 0: nothing since the last record
    std::vector<v1::IoError> summaries;
  };
  static void Summarise(Window& window, v1::IoError error);
  static void Take(Window& window, std::vector<v1::IoError>& records);

  // By drive, operation, and whether the agent provoked them.
  std::map<std::tuple<std::string, int, bool>, Window> windows_;
};

}  // namespace remapfleet::agent
