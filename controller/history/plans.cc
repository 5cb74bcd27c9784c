#include "controller/history/plans.h"

#include <fmt/format.h>

#include "controller/history/audit.h"
#include "controller/history/desired.h"
#include "controller/history/plan_row.h"
#include "controller/history/transaction.h"

namespace remapfleet {
namespace {

v1::Plan DetailOf(const v1::Plan& plan) {
  v1::Plan detail;
  *detail.mutable_ranges() = plan.ranges();
  *detail.mutable_evidence() = plan.evidence();
  return detail;
}

// Writes the generation that carries an approved plan, and notes it in the plan.
Status Issue(Transaction& transaction, const v1::Plan& plan) {
  const auto generation = ExtendDesired(transaction, plan);
  if (!generation) return Fail(generation.error());
  transaction.work.exec_params("update plan set generation = $2 where plan_id = $1", plan.plan_id(),
                               static_cast<std::int64_t>(*generation));
  return {};
}

std::string Sentence(const v1::Plan& plan) {
  std::string text = plan.reason() + "; sectors";
  for (const auto& range : plan.ranges()) {
    text += fmt::format(" {}+{}", range.first_sector(), range.sector_count());
  }
  return text;
}

}  // namespace

Result<v1::Plan> InsertPlan(Transaction& transaction, v1::Plan plan, std::int64_t block_count,
                            TimePoint expire_time) {
  plan.set_plan_id(NewUuid());
  transaction.work.exec_params(
      "insert into plan (plan_id, host_id, drive_id, device_name, action, state, block_count, "
      "created_by, decided_by, reason, detail, expire_time) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::bytea, $12)",
      plan.plan_id(), plan.host_id(), plan.drive_id(), plan.device_name(),
      static_cast<int>(plan.action()), static_cast<int>(plan.state()), block_count,
      plan.created_by(), plan.decided_by(), plan.reason(), ToBytea(DetailOf(plan)),
      ToSql(expire_time));
  AppendAudit(transaction, plan.created_by(), "plan.created", plan.plan_id(), Sentence(plan));
  if (plan.state() == v1::Plan::STATE_APPROVED) {
    const Status issued = Issue(transaction, plan);
    if (!issued) return Fail(issued.error());
  }
  return GetPlan(transaction, plan.plan_id());
}

Result<v1::Plan> DecidePlan(Transaction& transaction, const std::string& plan_id, bool approve,
                            const std::string& actor, const std::string& comment) {
  const auto found = GetPlan(transaction, plan_id);
  if (!found) return Fail(found.error());
  // The device before its plans, as everywhere: two transactions never wait for each other.
  (void)SpecOnDrive(transaction, HostId(found->host_id()), DriveId(found->drive_id()));
  const auto row =
      transaction.work.exec_params1(fmt::format("select {}, coalesce(expire_time < now(), false) "
                                                "as expired from plan where plan_id = $1 for "
                                                "update",
                                                kPlanColumns),
                                    plan_id);
  const v1::Plan plan = PlanFromRow(row);
  if (approve && row["expired"].as<bool>()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("plan {} has expired: nobody approved it in time", plan_id));
  }
  if (plan.state() != v1::Plan::STATE_AWAITING_APPROVAL) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("plan {} does not wait for approval: it is {}", plan_id,
                            v1::Plan::State_Name(plan.state())));
  }
  transaction.work.exec_params(
      "update plan set state = $2, decided_by = $3, error = $4, update_time = now() where plan_id "
      "= $1",
      plan_id, static_cast<int>(approve ? v1::Plan::STATE_APPROVED : v1::Plan::STATE_REJECTED),
      actor, approve ? std::string() : comment);
  AppendAudit(transaction, actor, approve ? "plan.approved" : "plan.rejected", plan_id, comment);
  if (approve) {
    const Status issued = Issue(transaction, plan);
    if (!issued) return Fail(issued.error());
  }
  return GetPlan(transaction, plan_id);
}

void ReissueOpenPlans(Transaction& transaction, const HostId& host, const std::string& kind,
                      std::uint64_t rejected) {
  const auto newest = transaction.work.exec_params(
      "select generation from desired_state where host_id = $1 and kind = $2", host.value(), kind);
  if (newest.empty() || newest[0][0].as<std::uint64_t>() != rejected) return;
  const auto rows = transaction.work.exec_params(
      fmt::format("select {} from plan where host_id = $1 and 'remap/' || device_name = $2 and "
                  "state in ({}, {}) order by create_time desc limit 1 for update",
                  kPlanColumns, static_cast<int>(v1::Plan::STATE_APPROVED),
                  static_cast<int>(v1::Plan::STATE_ISSUED)),
      host.value(), kind);
  if (!rows.empty()) (void)Issue(transaction, PlanFromRow(rows[0]));
}

std::size_t ExpirePlans(Transaction& transaction) {
  const auto rows = transaction.work.exec_params(
      "update plan set state = $1, error = 'nobody approved it in time', update_time = now() "
      "where state = $2 and expire_time < now() returning plan_id",
      static_cast<int>(v1::Plan::STATE_EXPIRED),
      static_cast<int>(v1::Plan::STATE_AWAITING_APPROVAL));
  for (const auto& row : rows) {
    AppendAudit(transaction, "policy", "plan.expired", row[0].as<std::string>(), "");
  }
  return rows.size();
}

std::int64_t AutomaticBlocksInLastDay(Transaction& transaction, const HostId& host,
                                      const DriveId& drive) {
  return transaction.work
      .exec_params1(
          fmt::format("select coalesce(sum(block_count), 0) from plan where host_id = $1 "
                      "and drive_id = $2 and decided_by = 'policy' and state in ({}, {}, {}) "
                      "and create_time > now() - interval '24 hours'",
                      static_cast<int>(v1::Plan::STATE_APPROVED),
                      static_cast<int>(v1::Plan::STATE_ISSUED),
                      static_cast<int>(v1::Plan::STATE_APPLIED)),
          host.value(), drive.value())[0]
      .as<std::int64_t>();
}

std::vector<v1::Plan> OpenPlans(Transaction& transaction, const HostId& host,
                                const DriveId& drive) {
  std::vector<v1::Plan> plans;
  const auto rows = transaction.work.exec_params(
      fmt::format("select {} from plan where host_id = $1 and drive_id = $2 and state in "
                  "({}, {}, {}) order by create_time",
                  kPlanColumns, static_cast<int>(v1::Plan::STATE_AWAITING_APPROVAL),
                  static_cast<int>(v1::Plan::STATE_APPROVED),
                  static_cast<int>(v1::Plan::STATE_ISSUED)),
      host.value(), drive.value());
  for (const auto& row : rows) plans.push_back(PlanFromRow(row));
  return plans;
}

}  // namespace remapfleet
