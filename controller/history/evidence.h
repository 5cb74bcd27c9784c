#pragma once

#include <string>
#include <vector>

#include "controller/history/database.h"
#include "remapfleet/v1/operator.pb.h"
#include "remapfleet/v1/telemetry.pb.h"
#include "support/clock.h"
#include "support/ids.h"

namespace remapfleet {

struct DriveKey {
  HostId host;
  DriveId drive;
};

// Drives with evidence that is due and that nobody has decided on, oldest first.
std::vector<DriveKey> DrivesWithEvidence(Transaction& transaction, int limit);

// Takes a drive's evidence that is due, oldest first: gone with this transaction's commit, back if
// it rolls back. Rows that another replica has taken are left out.
std::vector<v1::Record> TakeEvidence(Transaction& transaction, const DriveKey& key, int limit);

// What is due of a drive is due later: nothing could be decided, and others must have their turn.
void PutOffEvidence(Transaction& transaction, const DriveKey& key, std::chrono::seconds by);

// What is known of a drive for scoring; the counts are over the last 24 hours, without errors that
// the agent's own checks met: those are among the weak blocks.
struct DriveFacts {
  v1::Device device;
  std::int64_t read_errors = 0;
  std::int64_t write_errors = 0;
  std::int64_t weak_blocks = 0;
  std::vector<v1::DriveHealth> health_day_ago;   // at most one: the newest at least a day old
  std::vector<v1::DriveHealth> health_week_ago;  // at most one: the newest at least a week old
};
Result<DriveFacts> FactsOf(Transaction& transaction, const DriveKey& key);

void StoreRisk(Transaction& transaction, const DriveKey& key, const v1::Risk& risk);

// Errors of the drive in the last `window`, for weighing weak blocks found near them.
std::vector<v1::IoError> RecentErrors(Transaction& transaction, const DriveKey& key,
                                      std::chrono::seconds window);

}  // namespace remapfleet
