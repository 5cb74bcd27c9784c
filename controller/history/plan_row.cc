#include "controller/history/plan_row.h"

namespace remapfleet {

v1::Plan PlanFromRow(const pqxx::row& row) {
  v1::Plan plan = Parse<v1::Plan>(row["detail"]);
  plan.set_plan_id(row["plan_id"].as<std::string>());
  plan.set_host_id(row["host_id"].as<std::string>());
  plan.set_drive_id(row["drive_id"].as<std::string>());
  plan.set_device_name(row["device_name"].as<std::string>());
  plan.set_action(static_cast<v1::Plan::Action>(row["action"].as<int>()));
  plan.set_state(static_cast<v1::Plan::State>(row["state"].as<int>()));
  plan.set_generation(row["generation"].as<std::uint64_t>());
  plan.set_created_by(row["created_by"].as<std::string>());
  plan.set_decided_by(row["decided_by"].as<std::string>());
  plan.set_reason(row["reason"].as<std::string>());
  plan.set_error(row["error"].as<std::string>());
  plan.set_effect(row["effect"].as<std::string>());
  *plan.mutable_create_time() = ToProto(Micros(row["created"]));
  *plan.mutable_update_time() = ToProto(Micros(row["updated"]));
  if (!row["issued"].is_null()) *plan.mutable_issue_time() = ToProto(Micros(row["issued"]));
  if (!row["applied"].is_null()) *plan.mutable_apply_time() = ToProto(Micros(row["applied"]));
  return plan;
}

}  // namespace remapfleet
