#include <fmt/format.h>

#include "controller/history/hosts.h"
#include "controller/history/page_token.h"
#include "controller/history/schema.h"
#include "controller/history/transaction.h"
#include "support/version.h"

namespace remapfleet {
namespace {

// Three notes of a gateway missed (gateway/gateway.cc): whoever said that it is connected is gone.
constexpr char kConnected[] = "(connected and last_seen > now() - interval '45 seconds')";

constexpr char kDeviceColumns[] =
    "host_id, drive_id, identity, health, remap, risk, "
    "(extract(epoch from health_time) * 1000000)::bigint as health_micros, "
    "(extract(epoch from gone_at) * 1000000)::bigint as gone_micros";

v1::Device DeviceFromRow(const pqxx::row& row) {
  v1::Device device;
  device.set_host_id(row["host_id"].as<std::string>());
  *device.mutable_drive() = Parse<v1::DriveIdentity>(row["identity"]);
  if (!row["health"].is_null()) {
    *device.mutable_health() = Parse<v1::DriveHealth>(row["health"]);
    if (!row["health_micros"].is_null()) {
      *device.mutable_health_time() = ToProto(Micros(row["health_micros"]));
    }
  }
  if (!row["gone_micros"].is_null()) {
    *device.mutable_gone_time() = ToProto(Micros(row["gone_micros"]));
  }
  if (!row["remap"].is_null()) *device.mutable_remap() = Parse<v1::RemapStatus>(row["remap"]);
  if (!row["risk"].is_null()) *device.mutable_risk() = Parse<v1::Risk>(row["risk"]);
  return device;
}

}  // namespace

std::vector<v1::Host> ListHosts(Transaction& transaction, const std::string& after, int limit) {
  std::vector<v1::Host> hosts;
  for (const auto& row : transaction.work.exec_params(
           fmt::format("select host_id, hostname, {}, agent_version, "
                       "(extract(epoch from last_seen) * 1000000)::bigint, "
                       "(select count(*) from drive d where d.host_id = h.host_id) "
                       "from host h where host_id > $1 order by host_id limit $2",
                       kConnected),
           after, limit)) {
    v1::Host& host = hosts.emplace_back();
    host.set_host_id(row[0].as<std::string>());
    host.set_hostname(row[1].as<std::string>());
    host.set_connected(row[2].as<bool>());
    host.set_agent_version(row[3].as<std::string>());
    *host.mutable_last_seen_time() = ToProto(Micros(row[4]));
    host.set_drive_count(row[5].as<unsigned>());
  }
  return hosts;
}

std::vector<v1::Device> ListDevices(Transaction& transaction, const std::string& host,
                                    const std::string& after_host, const std::string& after_drive,
                                    int limit) {
  std::vector<v1::Device> devices;
  for (const auto& row : transaction.work.exec_params(
           fmt::format("select {} from drive where ($1 = '' or host_id = $1) and "
                       "(host_id, drive_id) > ($2, $3) order by host_id, drive_id limit $4",
                       kDeviceColumns),
           host, after_host, after_drive, limit)) {
    devices.push_back(DeviceFromRow(row));
  }
  return devices;
}

Result<HostId> HostOf(Transaction& transaction, const DriveId& drive) {
  const auto rows = transaction.work.exec_params(
      "select host_id from drive where drive_id = $1 and (gone_at is null or not exists "
      "(select from drive there where there.drive_id = $1 and there.gone_at is null)) "
      "order by host_id limit 10",
      drive.value());
  if (rows.empty()) {
    return Fail(Code::kNotFound,
                fmt::format("no drive {} has reported; see remapctl device list", drive.value()));
  }
  if (rows.size() == 1) return HostId(rows[0][0].as<std::string>());
  std::string hosts;
  for (const auto& row : rows) hosts += (hosts.empty() ? "" : ", ") + row[0].as<std::string>();
  return Fail(Code::kFailedPrecondition,
              fmt::format("{} has been seen on several hosts ({}): say on which (host_id, --host)",
                          drive.value(), hosts));
}

Result<v1::Device> GetDevice(Transaction& transaction, const DriveId& drive) {
  const auto rows = transaction.work.exec_params(
      fmt::format("select {} from drive where drive_id = $1 "
                  "order by gone_at is not null, health_time desc nulls last "
                  "limit 1",
                  kDeviceColumns),
      drive.value());
  if (rows.empty()) {
    return Fail(Code::kNotFound,
                fmt::format("no drive {} has reported; see remapctl device list", drive.value()));
  }
  return DeviceFromRow(rows[0]);
}

Result<v1::Device> GetDeviceOn(Transaction& transaction, const HostId& host, const DriveId& drive) {
  const auto rows = transaction.work.exec_params(
      fmt::format("select {} from drive where host_id = $1 and drive_id = $2", kDeviceColumns),
      host.value(), drive.value());
  if (rows.empty()) {
    return Fail(Code::kNotFound,
                fmt::format("no drive {} has reported from {}", drive.value(), host.value()));
  }
  return DeviceFromRow(rows[0]);
}

v1::GetFleetStatusResponse FleetStatus(Transaction& transaction) {
  auto& work = transaction.work;
  v1::GetFleetStatusResponse status;
  const auto hosts =
      work.exec1(fmt::format("select count(*), count(*) filter (where {}) from host", kConnected));
  status.set_hosts(hosts[0].as<unsigned>());
  status.set_hosts_connected(hosts[1].as<unsigned>());
  for (const auto& row : work.exec("select remap, risk from drive where gone_at is null")) {
    status.set_drives(status.drives() + 1);
    const auto risk = Parse<v1::Risk>(row[1]);
    if (risk.score() >= 0.5) status.set_drives_at_risk(status.drives_at_risk() + 1);
    const auto remap = Parse<v1::RemapStatus>(row[0]);
    const auto counter = [&remap](const char* key) {
      const auto found = remap.counters().find(key);
      return found == remap.counters().end() ? 0 : found->second;
    };
    status.set_remaps(status.remaps() + counter("remaps"));
    status.set_pending(status.pending() + counter("pending"));
  }
  const auto plans = work.exec_params1(
      "select count(*) filter (where state = $1), count(*) filter (where state in ($2, $3)) from "
      "plan",
      static_cast<int>(v1::Plan::STATE_AWAITING_APPROVAL),
      static_cast<int>(v1::Plan::STATE_APPROVED), static_cast<int>(v1::Plan::STATE_ISSUED));
  status.set_plans_awaiting_approval(plans[0].as<unsigned>());
  status.set_plans_in_flight(plans[1].as<unsigned>());
  status.set_version(kVersion);
  status.set_schema_version(
      work.exec1("select max(version) from schema_version")[0].as<unsigned>());
  return status;
}

Result<HistoryPage> ListHistory(Transaction& transaction, const DriveId& drive, int page_size,
                                const std::string& page_token) {
  const auto key = ParsePageToken(page_token, 3);
  if (!key) return Fail(key.error());
  const std::string time = key->empty() ? "infinity" : (*key)[0];
  const std::string boot = key->empty() ? "ffffffff-ffff-ffff-ffff-ffffffffffff" : (*key)[1];
  const std::string seq = key->empty() ? "9223372036854775807" : (*key)[2];
  std::string all;
  // A gap is its host's.
  for (const auto& [table, owner] : {std::pair("health_sample", "$1"), std::pair("io_error", "$1"),
                                     std::pair("weak_block", "$1"), std::pair("remap_status", "$1"),
                                     std::pair("telemetry_gap", "''")}) {
    all += fmt::format(
        "{}(select time, boot_id, seq, body from {} where host_id in (select host_id from "
        "drive where drive_id = $1) and drive_id = {} and (time, boot_id, seq) < "
        "($2::timestamptz, $3::uuid, $4::bigint) order by time desc, boot_id desc, seq desc limit "
        "$5)",
        all.empty() ? "" : " union all ", table, owner);
  }
  const auto rows = transaction.work.exec_params(
      "select (extract(epoch from time) * 1000000)::bigint as micros, time::text as key, "
      "boot_id::text as boot, seq, body from (" +
          all + ") as one order by time desc, boot_id desc, seq desc limit $5",
      drive.value(), time, boot, seq, page_size + 1);
  HistoryPage page;
  for (const auto& row : rows) {
    if (static_cast<int>(page.entries.size()) == page_size) {
      const auto& last = rows[static_cast<pqxx::result::size_type>(page_size) - 1];
      page.next_token =
          MakePageToken({last["key"].as<std::string>(), last["boot"].as<std::string>(),
                         last["seq"].as<std::string>()});
      break;
    }
    v1::HistoryEntry& entry = page.entries.emplace_back();
    *entry.mutable_time() = ToProto(Micros(row["micros"]));
    *entry.mutable_record() = Parse<v1::Record>(row["body"]);
  }
  return page;
}

}  // namespace remapfleet
