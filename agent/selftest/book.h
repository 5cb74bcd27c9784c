#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/disks/drives.h"
#include "agent/selftest/schedule.h"
#include "remapfleet/v1/telemetry.pb.h"
#include "support/clock.h"

namespace remapfleet::agent {

// What is known of each drive's self-tests: what its newest health says, and what this agent has
// ordered since. One thread.
class SelfTestBook {
 public:
  // What a drive just said of its health, logs included. Where a test that this agent ordered has
  // ended at a place that cannot be read: that place, as a read error that the agent provoked.
  std::optional<v1::IoError> Take(const Drive& drive, const std::string& enclosure,
                                  const v1::DriveHealth& health, TimePoint now);
  // A test is being ordered: it counts as running. ATA logs are read once an hour, so that it does
  // until a health shows it running, or is newer than that.
  void Order(const std::string& drive_id, TimePoint now);
  // The drive did not take the order; it is left alone for a day.
  void Refused(const std::string& drive_id, TimePoint now);

  // Drives that nothing was heard of for a day have gone.
  std::vector<SelfTestCandidate> Candidates(TimePoint now);
  std::optional<Drive> Find(const std::string& drive_id) const;

 private:
  struct Entry {
    Drive drive;
    SelfTestCandidate candidate;  // by its newest readings; ages as of then
    TimePoint heard;
    TimePoint read;                    // the newest readings
    std::optional<TimePoint> ordered;  // a test whose end was not seen
    TimePoint not_before;
  };
  std::map<std::string, Entry> drives_;  // by id
};

}  // namespace remapfleet::agent
