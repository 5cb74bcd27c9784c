#include <fmt/format.h>

#include "controller/history/page_token.h"
#include "controller/history/plan_row.h"
#include "controller/history/plans.h"
#include "controller/history/transaction.h"

namespace remapfleet {
namespace {

// Plans carry their evidence and the kernel's words; gRPC takes 4 MiB in one message.
constexpr std::size_t kPageBytes = 1 << 20;

}  // namespace

Result<v1::Plan> GetPlan(Transaction& transaction, const std::string& plan_id) {
  const auto rows = transaction.work.exec_params(
      fmt::format("select {} from plan where plan_id = $1", kPlanColumns), plan_id);
  if (rows.empty()) return Fail(Code::kNotFound, fmt::format("there is no plan {}", plan_id));
  return PlanFromRow(rows[0]);
}

Result<PlanPage> ListPlans(Transaction& transaction, v1::Plan::State state, int page_size,
                           const std::string& page_token) {
  // Keyset: the last row's time and id; the newest possible for the first page.
  const auto key = ParsePageToken(page_token, 2);
  if (!key) return Fail(key.error());
  const std::string time = key->empty() ? "infinity" : (*key)[0];
  const std::string id = key->empty() ? "" : (*key)[1];
  const auto rows = transaction.work.exec_params(
      fmt::format("select {}, create_time::text as key from plan where (create_time, plan_id) < "
                  "($1::timestamptz, $2) and ($3 = 0 or state = $3) "
                  "order by create_time desc, plan_id desc limit $4",
                  kPlanColumns),
      time, id, static_cast<int>(state), page_size + 1);
  PlanPage page;
  std::size_t bytes = 0;
  for (const auto& row : rows) {
    if (static_cast<int>(page.plans.size()) == page_size || bytes > kPageBytes) {
      const auto& last = rows[static_cast<pqxx::result::size_type>(page.plans.size()) - 1];
      page.next_token =
          MakePageToken({last["key"].as<std::string>(), last["plan_id"].as<std::string>()});
      break;
    }
    page.plans.push_back(PlanFromRow(row));
    bytes += page.plans.back().ByteSizeLong();
  }
  return page;
}

std::vector<v1::Plan> PlansToMeasure(Transaction& transaction, std::chrono::seconds age) {
  std::vector<v1::Plan> plans;
  for (const auto& row : transaction.work.exec_params(
           fmt::format("select {} from plan where state = $1 and effect_time is null and "
                       "apply_time < now() - make_interval(secs => $2) limit 100 "
                       "for update skip locked",
                       kPlanColumns),
           static_cast<int>(v1::Plan::STATE_APPLIED), age.count())) {
    plans.push_back(PlanFromRow(row));
  }
  return plans;
}

std::int64_t ErrorsSinceApplied(Transaction& transaction, const v1::Plan& plan) {
  std::int64_t errors = 0;
  for (const auto& range : plan.ranges()) {
    errors += transaction.work
                  .exec_params1(
                      "select coalesce(sum(count), 0) from io_error where host_id = $1 and "
                      "drive_id = $2 and time > $3 and first_sector < $4 and "
                      "first_sector + sector_count > $5",
                      plan.host_id(), plan.drive_id(), ToSql(FromProto(plan.read_back().time())),
                      static_cast<std::int64_t>(range.first_sector() + range.sector_count()),
                      static_cast<std::int64_t>(range.first_sector()))[0]
                  .as<std::int64_t>();
  }
  return errors;
}

void SetEffect(Transaction& transaction, const std::string& plan_id, const std::string& effect) {
  transaction.work.exec_params(
      "update plan set effect = $2, effect_time = now() where plan_id = $1", plan_id, effect);
}

}  // namespace remapfleet
