#pragma once

#include <map>
#include <mutex>
#include <string>

#include "remapfleet/v1/types.pb.h"
#include "support/clock.h"

namespace remapfleet::agent {

// Keeps a drive's logs out of its health while they say nothing new: they can be hundreds of
// entries, and are read every few minutes. Thread-safe.
class SentLogs {
 public:
  // Whole logs at least this often.
  static constexpr std::chrono::hours kAgain{24};

  // `health` is about to be stored. Where its logs are what was stored of this drive before, takes
  // them out and says so. Leaves alone what has no logs, and a drive that was not read.
  void LeaveOut(v1::DriveHealth& health, TimePoint now);

  // What was stored may not reach the controller (it could not be stored, or a new stream has
  // begun): the next logs of each drive are whole.
  void Forget();

 private:
  struct Sent {
    std::string hash;
    TimePoint time;
  };

  std::mutex mutex_;
  std::map<std::string, Sent> sent_;  // by drive id
};

}  // namespace remapfleet::agent
