#include "controller/history/evidence.h"

#include <fmt/format.h>

#include "controller/history/hosts.h"
#include "controller/history/transaction.h"

namespace remapfleet {

std::vector<DriveKey> DrivesWithEvidence(Transaction& transaction, int limit) {
  std::vector<DriveKey> keys;
  for (const auto& row :
       transaction.work.exec_params("select host_id, drive_id from evidence where due <= now() "
                                    "group by host_id, drive_id order by min(received) limit $1",
                                    limit)) {
    keys.push_back({HostId(row[0].as<std::string>()), DriveId(row[1].as<std::string>())});
  }
  return keys;
}

std::vector<v1::Record> TakeEvidence(Transaction& transaction, const DriveKey& key, int limit) {
  std::vector<v1::Record> records;
  for (const auto& row : transaction.work.exec_params(
           "delete from evidence where (host_id, drive_id, boot_id, seq) in (select host_id, "
           "drive_id, boot_id, seq from evidence where host_id = $1 and drive_id = $2 and due <= "
           "now() order by received, boot_id, seq limit $3 for update skip locked) returning body",
           key.host.value(), key.drive.value(), limit)) {
    records.push_back(Parse<v1::Record>(row[0]));
  }
  return records;
}

void PutOffEvidence(Transaction& transaction, const DriveKey& key, std::chrono::seconds by) {
  transaction.work.exec_params(
      "update evidence set due = now() + make_interval(secs => $3) where host_id = $1 and "
      "drive_id = $2 and due <= now()",
      key.host.value(), key.drive.value(), by.count());
}

Result<DriveFacts> FactsOf(Transaction& transaction, const DriveKey& key) {
  auto& work = transaction.work;
  DriveFacts facts;
  auto device = GetDeviceOn(transaction, key.host, key.drive);
  if (!device) return Fail(device.error());
  facts.device = std::move(*device);
  const auto errors = work.exec_params1(
      "select coalesce(sum(count) filter (where operation = 1), 0), "
      "coalesce(sum(count) filter (where operation = 2), 0) from io_error "
      "where host_id = $1 and drive_id = $2 and time > now() - interval '24 hours' and "
      "not provoked",
      key.host.value(), key.drive.value());
  facts.read_errors = errors[0].as<std::int64_t>();
  facts.write_errors = errors[1].as<std::int64_t>();
  facts.weak_blocks =
      work.exec_params1(
              "select count(distinct first_sector) from weak_block where host_id = $1 "
              "and drive_id = $2 and time > now() - interval '24 hours'",
              key.host.value(), key.drive.value())[0]
          .as<std::int64_t>();
  const auto health_before = [&](const char* age) {
    std::vector<v1::DriveHealth> found;
    for (const auto& row : work.exec_params(
             fmt::format("select body from health_sample where host_id = $1 and drive_id = $2 and "
                         "time < now() - interval '{}' order by time desc limit 1",
                         age),
             key.host.value(), key.drive.value())) {
      found.push_back(Parse<v1::Record>(row[0]).health());
    }
    return found;
  };
  facts.health_day_ago = health_before("1 day");
  facts.health_week_ago = health_before("7 days");
  return facts;
}

void StoreRisk(Transaction& transaction, const DriveKey& key, const v1::Risk& risk) {
  transaction.work.exec_params(
      "update drive set risk = $3::bytea where host_id = $1 and drive_id = $2", key.host.value(),
      key.drive.value(), ToBytea(risk));
  transaction.work.exec_params(
      "insert into risk_score (host_id, drive_id, time, model, score, reasons) "
      "values ($1, $2, $3, $4, $5, array(select jsonb_array_elements_text($6::jsonb))) "
      "on conflict do nothing",
      key.host.value(), key.drive.value(), ToSql(FromProto(risk.time())), risk.model(),
      risk.score(), [&risk] {
        // Reasons are our own sentences: quotes and backslashes are all that JSON needs escaped.
        std::string json = "[";
        for (const std::string& reason : risk.reasons()) {
          json += json.size() > 1 ? ",\"" : "\"";
          for (const char c : reason) {
            if (c == '"' || c == '\\') json += '\\';
            json += c;
          }
          json += '"';
        }
        return json + "]";
      }());
}

std::vector<v1::IoError> RecentErrors(Transaction& transaction, const DriveKey& key,
                                      std::chrono::seconds window) {
  std::vector<v1::IoError> errors;
  for (const auto& row : transaction.work.exec_params(
           "select body from io_error where host_id = $1 and drive_id = $2 and "
           "time > now() - make_interval(secs => $3) order by time desc limit 10000",
           key.host.value(), key.drive.value(), window.count())) {
    v1::Record record = Parse<v1::Record>(row[0]);
    if (!record.io_error().summary() && record.io_error().has_range())
      errors.push_back(std::move(*record.mutable_io_error()));
  }
  return errors;
}

}  // namespace remapfleet
