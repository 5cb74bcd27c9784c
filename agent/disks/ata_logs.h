#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"

namespace remapfleet::agent {

// What an ATA drive's log pages say, which libatasmart does not read: device statistics, pending
// defects, errors, self-tests, how long it tries. Through smartctl, and because that is dear only
// once an hour, or as soon as a counter of errors has moved. Thread-safe.
class AtaLogs {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit AtaLogs(SmartctlOptions options) : smartctl_(MakeSmartctlSource(std::move(options))) {}

  // Adds to `health`, which holds the attributes, what it does not have.
  void Fill(const Drive& drive, v1::DriveHealth& health, Time now);

 private:
  struct Known {
    std::uint64_t sequence = 0;  // Drive's
    std::string counters;        // when the logs were read
    Time read{};
    v1::DriveHealth logs;
  };

  const std::unique_ptr<SmartSource> smartctl_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by path
};

}  // namespace remapfleet::agent
