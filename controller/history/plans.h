#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/history/database.h"
#include "remapfleet/v1/operator.pb.h"
#include "support/clock.h"
#include "support/ids.h"

namespace remapfleet {

// A page of plans, newest first.
struct PlanPage {
  std::vector<v1::Plan> plans;
  std::string next_token;  // empty on the last page
};

// Stores a new plan with an audit line. `plan.state` is AWAITING_APPROVAL, or APPROVED: then the
// next generation of the desired state is written in the same transaction. Returns the plan as
// stored. FAILED_PRECONDITION if the drive has no remap device of that name.
Result<v1::Plan> InsertPlan(Transaction& transaction, v1::Plan plan, std::int64_t block_count,
                            TimePoint expire_time);

// A person's word on a waiting plan. NOT_FOUND; FAILED_PRECONDITION if it does not wait (any more).
Result<v1::Plan> DecidePlan(Transaction& transaction, const std::string& plan_id, bool approve,
                            const std::string& actor, const std::string& comment);

// The next step of a rejected desired state: what open plans still ask for, without the refused
// part. Does nothing if no plan is open or a newer generation than `rejected` exists.
void ReissueOpenPlans(Transaction& transaction, const HostId& host, const std::string& kind,
                      std::uint64_t rejected);

// Ends what nobody approved in time; returns how many.
std::size_t ExpirePlans(Transaction& transaction);

Result<v1::Plan> GetPlan(Transaction& transaction, const std::string& plan_id);
Result<PlanPage> ListPlans(Transaction& transaction, v1::Plan::State state, int page_size,
                           const std::string& page_token);

// Blocks that the policy itself had copied on a drive within the last 24 hours, and those it still
// wants to.
std::int64_t AutomaticBlocksInLastDay(Transaction& transaction, const HostId& host,
                                      const DriveId& drive);

// Plans of a drive that are not finished. What was applied is part of its desired state.
std::vector<v1::Plan> OpenPlans(Transaction& transaction, const HostId& host, const DriveId& drive);

// Applied plans whose effect is due: applied at least `age` ago and not yet measured.
std::vector<v1::Plan> PlansToMeasure(Transaction& transaction, std::chrono::seconds age);
// Kernel errors in the plan's ranges since it was applied.
std::int64_t ErrorsSinceApplied(Transaction& transaction, const v1::Plan& plan);
void SetEffect(Transaction& transaction, const std::string& plan_id, const std::string& effect);

}  // namespace remapfleet
