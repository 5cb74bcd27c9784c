#include "controller/ctl/render.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "support/clock.h"

namespace remapfleet::ctl {
namespace {

std::string Time(bool has, const google::protobuf::Timestamp& time) {
  return has ? FormatTime(FromProto(time)).substr(0, 19) + "Z" : "-";
}

std::string Size(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit < 5) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string Word(const std::string& name, std::string_view prefix) {
  return name.substr(0, prefix.size()) == prefix ? name.substr(prefix.size()) : name;
}
std::string StateOf(const v1::Plan& plan) {
  return Word(v1::Plan::State_Name(plan.state()), "STATE_");
}
std::string ActionOf(const v1::Plan& plan) {
  return Word(v1::Plan::Action_Name(plan.action()), "ACTION_");
}

std::string Ranges(const google::protobuf::RepeatedPtrField<v1::SectorRange>& ranges, int limit) {
  std::string text;
  for (int i = 0; i < ranges.size() && i < limit; ++i) {
    text += fmt::format("{}{}+{}", i > 0 ? " " : "", ranges[i].first_sector(),
                        ranges[i].sector_count());
  }
  if (ranges.size() > limit) text += fmt::format(" and {} more", ranges.size() - limit);
  return text;
}

std::string Counter(const v1::RemapStatus& status, const char* key) {
  const auto found = status.counters().find(key);
  return found == status.counters().end() ? "-" : std::to_string(found->second);
}

std::string Optional(bool has, std::uint64_t value) { return has ? std::to_string(value) : "-"; }

std::string Describe(const v1::IoError& error) {
  const char* operation = error.operation() == v1::IoError::OPERATION_WRITE  ? "write"
                          : error.operation() == v1::IoError::OPERATION_READ ? "read"
                                                                             : "flush or discard";
  const std::string place =
      error.has_range()
          ? fmt::format("at LBA {}+{}", error.range().first_sector(), error.range().sector_count())
          : "of no place";
  return fmt::format("{} error {}, errno {}, {} times", operation, place, error.errno_value(),
                     error.count());
}

std::string Describe(const v1::Record& record) {
  switch (record.kind_case()) {
    case v1::Record::kHealth:
      return fmt::format(
          "health: {} °C, pending {}, reallocated {}",
          record.health().has_temperature_celsius()
              ? fmt::format("{:.0f}", record.health().temperature_celsius())
              : "-",
          Optional(record.health().has_pending_sectors(), record.health().pending_sectors()),
          Optional(record.health().has_reallocated_sectors(),
                   record.health().reallocated_sectors()));
    case v1::Record::kIoError:
      return Describe(record.io_error());
    case v1::Record::kWeakBlock:
      return fmt::format("{} at LBA {}+{}, {} failed reads",
                         record.weak_block().readable() ? "weak block" : "unreadable block",
                         record.weak_block().range().first_sector(),
                         record.weak_block().range().sector_count(),
                         record.weak_block().failed_reads());
    case v1::Record::kRemapStatus:
      return fmt::format("{}: {}, {} remapped, {} pending", record.remap_status().device_name(),
                         record.remap_status().mode(), Counter(record.remap_status(), "remaps"),
                         Counter(record.remap_status(), "pending"));
    case v1::Record::kGap:
      return fmt::format("telemetry lost, {} records: {}", record.gap().lost_records(),
                         record.gap().reason());
    default:
      return "-";
  }
}

// Much of what is shown comes from nodes and drives: nothing of it may steer the terminal.
std::string Printable(std::string text) {
  for (char& c : text) {
    if ((c >= 0 && c < ' ') || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}", Printable(row[i]), i + 1 == row.size() ? 0 : widths[i] + 2);
    }
    text += line + "\n";
  }
  return text;
}

std::string Render(const v1::ListHostsResponse& hosts) {
  std::vector<std::vector<std::string>> rows = {
      {"HOST", "NAME", "STATE", "DRIVES", "AGENT", "LAST SEEN"}};
  for (const auto& host : hosts.hosts()) {
    rows.push_back({host.host_id(), host.hostname(), host.connected() ? "connected" : "away",
                    std::to_string(host.drive_count()), host.agent_version(),
                    Time(host.has_last_seen_time(), host.last_seen_time())});
  }
  return Table(rows);
}

std::string Render(const v1::ListDevicesResponse& devices) {
  std::vector<std::vector<std::string>> rows = {
      {"HOST", "DRIVE", "PATH", "SIZE", "RISK", "REMAP", "MODE", "REMAPPED", "PENDING"}};
  for (const auto& device : devices.devices()) {
    const bool remap = device.has_remap();
    rows.push_back({device.host_id(), device.drive().drive_id(), device.drive().path(),
                    Size(device.drive().size_bytes()),
                    device.has_risk() ? fmt::format("{:.2f}", device.risk().score()) : "-",
                    remap ? device.remap().device_name() : "-", remap ? device.remap().mode() : "-",
                    remap ? Counter(device.remap(), "remaps") : "-",
                    remap ? Counter(device.remap(), "pending") : "-"});
  }
  return Table(rows);
}

std::string Render(const v1::ListPlansResponse& plans) {
  std::vector<std::vector<std::string>> rows = {
      {"PLAN", "CREATED", "HOST", "ACTION", "STATE", "SECTORS", "REASON"}};
  for (const auto& plan : plans.plans()) {
    rows.push_back({plan.plan_id(), Time(plan.has_create_time(), plan.create_time()),
                    plan.host_id(), ActionOf(plan), StateOf(plan), Ranges(plan.ranges(), 2),
                    plan.reason()});
  }
  return Table(rows);
}

std::string Render(const v1::ListHistoryResponse& history) {
  std::vector<std::vector<std::string>> rows = {{"TIME", "WHAT"}};
  for (const auto& entry : history.entries()) {
    rows.push_back({FormatTime(FromProto(entry.time())), Describe(entry.record())});
  }
  return Table(rows);
}

std::string Render(const v1::GetFleetStatusResponse& status) {
  return Table({
      {"hosts", fmt::format("{} of {} connected", status.hosts_connected(), status.hosts())},
      {"drives", fmt::format("{}, {} at risk", status.drives(), status.drives_at_risk())},
      {"blocks", fmt::format("{} on spare slots, {} pending", status.remaps(), status.pending())},
      {"plans", fmt::format("{} wait for approval, {} in flight", status.plans_awaiting_approval(),
                            status.plans_in_flight())},
      {"controller",
       fmt::format("version {}, schema {}", status.version(), status.schema_version())},
  });
}

std::string Render(const v1::Device& device) {
  const v1::DriveIdentity& drive = device.drive();
  const v1::DriveHealth& health = device.health();
  std::vector<std::vector<std::string>> rows = {
      {"drive", drive.drive_id()},
      {"host", device.host_id() + ", " + drive.path()},
      {"model", drive.model() + ", serial " + drive.serial() + ", firmware " + drive.firmware()},
      {"size", Size(drive.size_bytes())},
  };
  if (device.has_gone_time()) {
    rows.push_back({"gone", "since " + Time(true, device.gone_time())});
  }
  if (health.power_state() == v1::DriveHealth::POWER_STATE_STANDBY) {
    rows.push_back({"asleep", "not woken to be asked: what follows is what it said last"});
  }
  if (device.has_health()) {
    rows.push_back({"health", fmt::format("{}, read {}",
                                          !health.has_smart_passed() ? "no verdict"
                                          : health.smart_passed()    ? "passed"
                                                                     : "FAILED",
                                          Time(device.has_health_time(), device.health_time()))});
    rows.push_back(
        {"power-on hours", Optional(health.has_power_on_hours(), health.power_on_hours())});
    rows.push_back(
        {"reallocated", Optional(health.has_reallocated_sectors(), health.reallocated_sectors())});
    rows.push_back(
        {"pending (drive)", Optional(health.has_pending_sectors(), health.pending_sectors())});
    for (const auto& problem : health.problems()) rows.push_back({"not read", problem});
  }
  if (device.has_remap()) {
    const v1::RemapStatus& remap = device.remap();
    rows.push_back({"remap device", fmt::format("{}, mode {}", remap.device_name(), remap.mode())});
    for (const char* key : {"slots", "slots_used", "slots_bad", "remaps", "pending", "lost",
                            "read_errors", "write_errors", "retries_ok"}) {
      rows.push_back({fmt::format("  {}", key), Counter(remap, key)});
    }
  }
  if (device.has_risk()) {
    rows.push_back(
        {"risk", fmt::format("{:.2f} by {}", device.risk().score(), device.risk().model())});
    for (const auto& reason : device.risk().reasons()) rows.push_back({"", reason});
  }
  return Table(rows);
}

std::string Render(const v1::Plan& plan) {
  std::vector<std::vector<std::string>> rows = {
      {"plan", plan.plan_id()},
      {"state", StateOf(plan)},
      {"action", ActionOf(plan)},
      {"where",
       fmt::format("{} on {}, drive {}", plan.device_name(), plan.host_id(), plan.drive_id())},
      {"sectors", Ranges(plan.ranges(), 20)},
      {"reason", plan.reason()},
  };
  for (const auto& evidence : plan.evidence()) {
    rows.push_back(
        {"evidence", fmt::format("{} LBA {}+{}: {}", FormatTime(FromProto(evidence.time())),
                                 evidence.range().first_sector(), evidence.range().sector_count(),
                                 evidence.what())});
  }
  const auto step = [&rows](const char* name, bool has, const google::protobuf::Timestamp& time,
                            const std::string& who) {
    if (has)
      rows.push_back({name, FormatTime(FromProto(time)) + (who.empty() ? "" : " by " + who)});
  };
  step("created", plan.has_create_time(), plan.create_time(), plan.created_by());
  if (!plan.decided_by().empty()) rows.push_back({"decided by", plan.decided_by()});
  step("issued", plan.has_issue_time(), plan.issue_time(), "");
  if (plan.has_read_back()) {
    step("read back", true, plan.read_back().time(), "the node's kernel");
    rows.push_back({"  table", plan.read_back().table()});
    rows.push_back({"  status", plan.read_back().status()});
    for (const auto& query : plan.read_back().queries()) rows.push_back({"  query", query});
  }
  step("applied", plan.has_apply_time(), plan.apply_time(), "");
  if (!plan.error().empty()) rows.push_back({"error", plan.error()});
  if (!plan.effect().empty()) rows.push_back({"effect", plan.effect()});
  return Table(rows);
}

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  (void)google::protobuf::util::MessageToJsonString(message, &text, options);
  return text;
}

int ExitCode(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return 4;
    case Code::kAlreadyExists:
    case Code::kAborted:
    case Code::kFailedPrecondition:
      return 5;
    case Code::kUnavailable:
    case Code::kResourceExhausted:
      return 6;
    case Code::kDeadlineExceeded:
      return 124;
    default:
      return 1;
  }
}

}  // namespace remapfleet::ctl
