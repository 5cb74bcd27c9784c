#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet::agent {

// Turns a storm of errors into a few records. The first error of a place goes out at once; repeats
// and neighbours within the window are gathered into one record with a count. Nothing is lost but
// detail: counts add up. One thread.
class Storm {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Records to send now: the error itself, or nothing if it was gathered.
  std::vector<v1::IoError> Add(v1::IoError error, Time now);
  // What was gathered and is due.
  std::vector<v1::IoError> Flush(Time now);
  // All that was gathered, due or not.
  std::vector<v1::IoError> FlushAll();
  // When the next is due; nothing if nothing is gathered.
  std::optional<Time> NextDue() const;

 private:
  struct Place {
    v1::IoError gathered;  // count 0: nothing since the last record
    std::uint64_t first;   // of what was last sent or gathered
    std::uint64_t end;
    Time due;
  };
  // By drive, operation, and whether the agent provoked them.
  std::map<std::tuple<std::string, int, bool>, std::deque<Place>> places_;
};

}  // namespace remapfleet::agent
