#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "remapfleet/v1/operator.pb.h"
#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet {

struct Policy {
  // Blocks that may be sent to slots on one drive in 24 hours without a person's approval; 0: none.
  std::int64_t auto_blocks_per_day = 2048;
  // How far from an error a slow or retried block is still taken for a neighbour, in bytes.
  std::uint64_t weak_neighbourhood_bytes = 1 << 20;
  // After that a waiting plan expires.
  std::int64_t approval_expiry_s = 7 * 24 * 3600;
};

// One drive as a decision sees it.
struct DriveView {
  std::string host_id;
  v1::DriveIdentity drive;
  v1::RemapDeviceSpec spec;                // the managed device on it
  v1::RemapStatus status;                  // newest; block_bytes 0 if never seen
  std::vector<v1::Plan> plans;             // not finished
  std::vector<v1::IoError> recent_errors;  // for weighing neighbours
  std::int64_t auto_blocks_in_last_day = 0;
};

// A plan to be made, not yet stored: everything set but ids and times. State is APPROVED, decided
// by "policy", or AWAITING_APPROVAL with the reason in `reason`.
struct Decision {
  v1::Plan plan;
  std::int64_t block_count = 0;
};

// What to do about new evidence on a drive. Pure and deterministic: the order of the evidence does
// not matter.
//
// - A kernel error: the blocks that it covers are sent to slots. One that is pending, or that the
//   error or a check names as unreadable, goes when it is next written (REMAP_ON_WRITE); of a wider
//   error, what can be read is copied now (PROACTIVE_COPY).
// - A block that the target lists as pending, with no error to say why: as if its error had been
//   seen.
// - A block found slow or in need of retries within the neighbourhood of an error: copied now.
// - What a live plan or the desired state covers already is left alone.
// - Beyond the day's budget, a person decides.
std::vector<Decision> Decide(const DriveView& view, const std::vector<v1::Record>& evidence,
                             const Policy& policy);

// The same guards and widening for ranges that an operator names. INVALID_ARGUMENT outside the
// target.
struct GuardedPlan {
  Decision decision;
  std::string refusal;  // empty if the ranges are good
};
GuardedPlan DecideManual(const DriveView& view, v1::Plan::Action action,
                         const std::vector<v1::SectorRange>& ranges, const Policy& policy);

}  // namespace remapfleet
