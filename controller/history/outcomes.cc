#include "controller/history/outcomes.h"

#include <fmt/format.h>

#include "controller/history/audit.h"
#include "controller/history/desired.h"
#include "controller/history/plans.h"
#include "controller/history/transaction.h"
#include "remapfleet/v1/operator.pb.h"

namespace remapfleet {
namespace {

// Plans that wait for this generation of this kind, or for an earlier one: a desired state is full
// state, so a later generation carries what the earlier ones asked for.
pqxx::result OpenPlans(Transaction& transaction, const HostId& host, const v1::Outcome& outcome,
                       const char* compare) {
  return transaction.work.exec_params(
      fmt::format("select plan_id, detail from plan where host_id = $1 and "
                  "'remap/' || device_name = $2 and generation {} $3 and generation > 0 and "
                  "state in ({}, {}) for update",
                  compare, static_cast<int>(v1::Plan::STATE_APPROVED),
                  static_cast<int>(v1::Plan::STATE_ISSUED)),
      host.value(), outcome.kind(), static_cast<std::int64_t>(outcome.generation()));
}

// The node is where an earlier generation wanted it: what the next one is built on has that too.
void AddToGood(Transaction& transaction, const HostId& host, const v1::Outcome& outcome,
               const v1::Plan& plan) {
  auto good = Parse<v1::RemapDeviceSpec>(transaction.work.exec_params1(
      "select good_spec from desired_state where host_id = $1 and kind = $2", host.value(),
      outcome.kind())[0]);
  AddRanges(good, plan.ranges());
  transaction.work.exec_params(
      "update desired_state set good_spec = $3::bytea where host_id = $1 and kind = $2",
      host.value(), outcome.kind(), ToBytea(good));
}

void Applied(Transaction& transaction, const HostId& host, const v1::Outcome& outcome,
             bool newest) {
  if (newest) {
    transaction.work.exec_params(
        "update desired_state set stage = $3, error = '', good_spec = spec, read_back = $4::bytea "
        "where host_id = $1 and kind = $2",
        host.value(), outcome.kind(), static_cast<int>(outcome.stage()),
        ToBytea(outcome.read_back()));
  }
  for (const auto& row : OpenPlans(transaction, host, outcome, "<=")) {
    v1::Plan detail = Parse<v1::Plan>(row[1]);
    if (!newest) AddToGood(transaction, host, outcome, detail);
    *detail.mutable_read_back() = outcome.read_back();
    const std::string plan_id = row[0].as<std::string>();
    transaction.work.exec_params(
        "update plan set state = $2, detail = $3::bytea, apply_time = now(), update_time = now(), "
        "issue_time = coalesce(issue_time, now()) where plan_id = $1",
        plan_id, static_cast<int>(v1::Plan::STATE_APPLIED), ToBytea(detail));
    AppendAudit(transaction, host.value(), "plan.applied", plan_id, outcome.read_back().status());
  }
}

void Rejected(Transaction& transaction, const HostId& host, const v1::Outcome& outcome) {
  transaction.work.exec_params(
      "update desired_state set stage = $3, error = $4 where host_id = $1 and kind = $2",
      host.value(), outcome.kind(), static_cast<int>(outcome.stage()), outcome.error_message());
  for (const auto& row : OpenPlans(transaction, host, outcome, "=")) {
    const std::string plan_id = row[0].as<std::string>();
    transaction.work.exec_params(
        "update plan set state = $2, error = $3, update_time = now() where plan_id = $1", plan_id,
        static_cast<int>(v1::Plan::STATE_FAILED), outcome.error_message());
    AppendAudit(transaction, host.value(), "plan.failed", plan_id, outcome.error_message());
  }
  // The node kept its last good state; what other open plans asked for must not be lost with this
  // one.
  ReissueOpenPlans(transaction, host, outcome.kind(), outcome.generation());
}

}  // namespace

void RecordOutcome(Transaction& transaction, const HostId& host, const v1::Outcome& outcome) {
  const auto rows = transaction.work.exec_params(
      "select generation, nonce from desired_state where host_id = $1 and kind = $2 for update",
      host.value(), outcome.kind());
  const auto generation = rows.empty() ? 0 : rows[0][0].as<std::uint64_t>();
  const bool newest = outcome.generation() == generation;
  // An answer to what this database never asked, e.g. because it was set back: Hello clears that
  // up.
  if (outcome.generation() > generation ||
      (newest && rows[0][1].as<std::string>() != outcome.nonce()))
    return;
  switch (outcome.stage()) {
    case v1::Outcome::STAGE_ACCEPTED:
      if (!newest) break;
      transaction.work.exec_params(
          "update desired_state set stage = $3 where host_id = $1 and kind = $2 and stage = 0",
          host.value(), outcome.kind(), static_cast<int>(outcome.stage()));
      break;
    case v1::Outcome::STAGE_APPLIED:
      Applied(transaction, host, outcome, newest);
      break;
    case v1::Outcome::STAGE_REJECTED:
      // An older generation is refused for being old; the newer one carries what it asked for.
      if (newest) Rejected(transaction, host, outcome);
      break;
    default:
      break;
  }
}

}  // namespace remapfleet
