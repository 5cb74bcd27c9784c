#include "controller/history/desired.h"

#include <fmt/format.h>

#include <map>

#include "controller/history/audit.h"
#include "controller/history/plan_row.h"
#include "controller/history/transaction.h"
#include "support/spec_hash.h"

namespace remapfleet {
namespace {

constexpr char kColumns[] = "host_id, kind, generation, nonce, spec, spec_sha256, stage";

DesiredRow FromRow(const pqxx::row& row) {
  DesiredRow result;
  result.host = HostId(row["host_id"].as<std::string>());
  result.desired.set_kind(row["kind"].as<std::string>());
  result.desired.set_generation(row["generation"].as<std::uint64_t>());
  result.desired.set_nonce(row["nonce"].as<std::string>());
  *result.desired.mutable_remap_device() = Parse<v1::RemapDeviceSpec>(row["spec"]);
  result.desired.set_spec_sha256(Bytes(row["spec_sha256"]));
  result.stage = static_cast<v1::Outcome::Stage>(row["stage"].as<int>());
  return result;
}

std::string LayoutOf(const v1::RemapDeviceSpec& spec) {
  return fmt::format("drive {} (serial {}), spare {} {}+{}, data from {}", spec.drive_id(),
                     spec.expected_serial(), spec.spare_drive_id(), spec.spare_offset_sectors(),
                     spec.spare_length_sectors(), spec.data_offset_sectors());
}

// Writes the next generation of a device; the row is locked. Returns its number.
std::uint64_t WriteNext(Transaction& transaction, const std::string& host, std::uint64_t before,
                        const v1::RemapDeviceSpec& spec) {
  transaction.work.exec_params(
      "update desired_state set generation = $3, nonce = $4, spec = $5::bytea, spec_sha256 = "
      "$6::bytea, plan_id = $7, stage = 0, error = '', read_back = null, updated = now() "
      "where host_id = $1 and kind = $2",
      host, KindOf(spec), static_cast<std::int64_t>(before + 1), NewUuid(), ToBytea(spec),
      ToBytea(SpecHash(spec)), spec.plan_id());
  transaction.work.exec(std::string("notify ") + kDesiredChannel);
  return before + 1;
}

// A node's configuration decides which drive and spare a device is made of; it refuses any other
// layout. What was decided about another drive's blocks says nothing about this one's.
void FollowConfigured(Transaction& transaction, const HostId& host,
                      const v1::RemapDeviceSpec& configured) {
  const std::string kind = KindOf(configured);
  const auto row = transaction.work.exec_params1(
      "select generation, spec, good_spec from desired_state where host_id = $1 and kind = $2 for "
      "update",
      host.value(), kind);
  const auto moved = [&configured](v1::RemapDeviceSpec spec) {
    if (spec.drive_id() != configured.drive_id() ||
        spec.data_offset_sectors() != configured.data_offset_sectors()) {
      spec.clear_remap_ranges();
    }
    spec.set_drive_id(configured.drive_id());
    spec.set_expected_serial(configured.expected_serial());
    spec.set_spare_drive_id(configured.spare_drive_id());
    spec.set_spare_offset_sectors(configured.spare_offset_sectors());
    spec.set_spare_length_sectors(configured.spare_length_sectors());
    spec.set_data_offset_sectors(configured.data_offset_sectors());
    return spec;
  };
  const auto before = Parse<v1::RemapDeviceSpec>(row["spec"]);
  const auto good = Parse<v1::RemapDeviceSpec>(row["good_spec"]);
  if (LayoutOf(before) == LayoutOf(configured)) return;
  transaction.work.exec_params(
      "update desired_state set good_spec = $3::bytea where host_id = $1 and kind = $2",
      host.value(), kind, ToBytea(moved(good)));
  WriteNext(transaction, host.value(), row["generation"].as<std::uint64_t>(), moved(before));
  AppendAudit(transaction, host.value(), "device.changed", configured.device_name(),
              fmt::format("{}; before: {}", LayoutOf(configured), LayoutOf(before)));
  const auto ended = transaction.work.exec_params(
      "update plan set state = $3, error = 'the device lies on another drive now', update_time = "
      "now() where host_id = $1 and device_name = $2 and state in ($4, $5, $6) and drive_id <> $7 "
      "returning plan_id",
      host.value(), configured.device_name(), static_cast<int>(v1::Plan::STATE_FAILED),
      static_cast<int>(v1::Plan::STATE_AWAITING_APPROVAL),
      static_cast<int>(v1::Plan::STATE_APPROVED), static_cast<int>(v1::Plan::STATE_ISSUED),
      configured.drive_id());
  for (const auto& plan : ended) {
    AppendAudit(transaction, host.value(), "plan.failed", plan[0].as<std::string>(),
                "the device lies on another drive now");
  }
}

}  // namespace

// Sorted, without overlaps: two ways to the same set give the same hash.
void AddRanges(v1::RemapDeviceSpec& spec,
               const google::protobuf::RepeatedPtrField<v1::SectorRange>& more) {
  std::map<std::uint64_t, std::uint64_t> ends;  // first sector → end
  const auto add = [&ends](const v1::SectorRange& range) {
    std::uint64_t& end = ends[range.first_sector()];
    end = std::max(end, range.first_sector() + range.sector_count());
  };
  for (const auto& range : spec.remap_ranges()) add(range);
  for (const auto& range : more) add(range);
  spec.clear_remap_ranges();
  v1::SectorRange* last = nullptr;
  for (const auto& [first, end] : ends) {
    if (last != nullptr && first <= last->first_sector() + last->sector_count()) {
      const std::uint64_t last_end = last->first_sector() + last->sector_count();
      last->set_sector_count(std::max(end, last_end) - last->first_sector());
      continue;
    }
    last = spec.add_remap_ranges();
    last->set_first_sector(first);
    last->set_sector_count(end - first);
  }
}

Result<std::vector<DesiredRow>> UnfinishedDesired(Transaction& transaction,
                                                  const std::vector<std::string>& hosts) {
  std::vector<DesiredRow> rows;
  // Host ids hold nothing that an array literal would have to quote.
  const auto found = transaction.work.exec_params(
      fmt::format("select {} from desired_state where host_id = any($1::text[]) and stage < {} "
                  "order by updated",
                  kColumns, static_cast<int>(v1::Outcome::STAGE_APPLIED)),
      fmt::format("{{{}}}", fmt::join(hosts, ",")));
  for (const auto& row : found) rows.push_back(FromRow(row));
  return rows;
}

Result<std::vector<DesiredRow>> AllDesired(Transaction& transaction, const HostId& host) {
  std::vector<DesiredRow> rows;
  for (const auto& row : transaction.work.exec_params(
           fmt::format("select {} from desired_state where host_id = $1 order by kind", kColumns),
           host.value())) {
    rows.push_back(FromRow(row));
  }
  return rows;
}

void AdoptConfigured(Transaction& transaction, const HostId& host,
                     const v1::RemapDeviceSpec& spec) {
  const auto inserted = transaction.work.exec_params(
      "insert into desired_state (host_id, kind, generation, nonce, spec, spec_sha256, good_spec) "
      "values ($1, $2, 1, $3, $4::bytea, $5::bytea, $4::bytea) on conflict do nothing returning "
      "kind",
      host.value(), KindOf(spec), NewUuid(), ToBytea(spec), ToBytea(SpecHash(spec)));
  if (inserted.empty()) return FollowConfigured(transaction, host, spec);
  AppendAudit(transaction, host.value(), "device.adopted", spec.device_name(), LayoutOf(spec));
}

void OvertakeKnown(Transaction& transaction, const HostId& host, const std::string& kind,
                   std::uint64_t known, const std::string& known_hash) {
  const auto changed = transaction.work.exec_params(
      "update desired_state set generation = $3, nonce = $4, stage = 0, error = '', "
      "read_back = null, updated = now() where host_id = $1 and kind = $2 and (generation < $5 or "
      "(generation = $5 and $6::bytea <> ''::bytea and spec_sha256 <> $6::bytea)) returning kind",
      host.value(), kind, static_cast<std::int64_t>(known + 1), NewUuid(),
      static_cast<std::int64_t>(known), ToBytea(known_hash));
  if (changed.empty()) return;
  AppendAudit(transaction, host.value(), "device.overtaken", kind,
              fmt::format("the node held a generation {} that the database does not know", known));
}

Result<std::uint64_t> ExtendDesired(Transaction& transaction, const v1::Plan& plan) {
  const std::string kind = "remap/" + plan.device_name();
  const auto rows = transaction.work.exec_params(
      "select generation, good_spec from desired_state where host_id = $1 and kind = $2 for update",
      plan.host_id(), kind);
  if (rows.empty()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("host {} has no remap device {}", plan.host_id(), plan.device_name()));
  }
  auto spec = Parse<v1::RemapDeviceSpec>(rows[0]["good_spec"]);
  if (spec.drive_id() != plan.drive_id()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} on {} lies on drive {} now, not on {}", plan.device_name(),
                            plan.host_id(), spec.drive_id(), plan.drive_id()));
  }
  const auto open = transaction.work.exec_params(
      fmt::format(
          "select {} from plan where host_id = $1 and device_name = $2 and state in ({}, {})",
          kPlanColumns, static_cast<int>(v1::Plan::STATE_APPROVED),
          static_cast<int>(v1::Plan::STATE_ISSUED)),
      plan.host_id(), plan.device_name());
  for (const auto& row : open) AddRanges(spec, PlanFromRow(row).ranges());
  AddRanges(spec, plan.ranges());
  (*spec.mutable_settings())["pending_write"] = "remap";
  spec.set_plan_id(plan.plan_id());
  return WriteNext(transaction, plan.host_id(), rows[0]["generation"].as<std::uint64_t>(), spec);
}

std::optional<v1::RemapDeviceSpec> SpecOnDrive(Transaction& transaction, const HostId& host,
                                               const DriveId& drive) {
  for (const auto& row :
       transaction.work.exec_params("select good_spec from desired_state where host_id = $1 and "
                                    "kind like 'remap/%' order by kind for update",
                                    host.value())) {
    auto spec = Parse<v1::RemapDeviceSpec>(row[0]);
    if (spec.drive_id() == drive.value()) return spec;
  }
  return std::nullopt;
}

void MarkIssued(Transaction& transaction, const HostId& host, const v1::Desired& desired) {
  const auto issued = transaction.work.exec_params(
      "update plan set state = $4, issue_time = now(), update_time = now() where host_id = $1 and "
      "'remap/' || device_name = $2 and generation <= $3 and generation > 0 and state = $5 "
      "returning plan_id",
      host.value(), desired.kind(), static_cast<std::int64_t>(desired.generation()),
      static_cast<int>(v1::Plan::STATE_ISSUED), static_cast<int>(v1::Plan::STATE_APPROVED));
  for (const auto& row : issued) {
    AppendAudit(transaction, "controller", "plan.issued", row[0].as<std::string>(),
                fmt::format("to {} with generation {}", host.value(), desired.generation()));
  }
}

}  // namespace remapfleet
