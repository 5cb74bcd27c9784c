#include "controller/history/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "controller/history/outcomes.h"
#include "controller/history/transaction.h"
#include "support/drive_health.h"

namespace remapfleet {
namespace {

constexpr std::chrono::hours kOldest{24 * 400};
constexpr std::chrono::hours kNewest{24};
// A target lists a block as pending at about the time of the error's own event, which says more.
constexpr std::chrono::seconds kEventComesFirst{5};

// A record on its way to its table.
struct Row {
  const v1::Record* record;
  std::uint64_t seq;
  std::string time;
};
using Rows = std::vector<Row>;

std::string_view Day(const Row& row) { return std::string_view(row.time).substr(0, 10); }

template <class T>
std::optional<std::int64_t> Optional(bool has, T value) {
  return has ? std::optional<std::int64_t>(static_cast<std::int64_t>(value)) : std::nullopt;
}

std::int64_t Signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

template <class Each>
std::string Array(const google::protobuf::RepeatedPtrField<v1::AtaAttribute>& items, Each each) {
  std::string text = "{";
  for (const auto& item : items)
    text += fmt::format("{}{}", text.size() > 1 ? "," : "", each(item));
  return text + "}";
}

// COPY into one table, with the columns that all of them begin with.
class Copy {
 public:
  Copy(Transaction& transaction, const std::string& table, const std::string& host,
       const std::string& boot, std::vector<std::string> columns)
      : host_(host), boot_(boot), stream_(transaction.work, table, All(std::move(columns))) {}

  template <class... Values>
  void Add(const Row& row, const std::string& drive, const Values&... values) {
    stream_ << std::make_tuple(host_, drive, row.time, boot_, Signed(row.seq), ToBytea(*row.record),
                               values...);
  }
  void Complete() { stream_.complete(); }

 private:
  static std::vector<std::string> All(std::vector<std::string> columns) {
    columns.insert(columns.begin(), {"host_id", "drive_id", "time", "boot_id", "seq", "body"});
    return columns;
  }
  const std::string& host_;
  const std::string& boot_;
  pqxx::stream_to stream_;
};

void CopyHealth(Transaction& transaction, const std::string& host, const std::string& boot,
                const Rows& rows) {
  Copy copy(transaction, "health_sample", host, boot,
            {"temperature_celsius", "power_on_hours", "reallocated_sectors", "pending_sectors",
             "offline_uncorrectable_sectors", "reported_uncorrectable_errors", "attribute_ids",
             "attribute_raws"});
  for (const Row& row : rows) {
    const v1::DriveHealth& health = row.record->health();
    copy.Add(row, health.drive().drive_id(),
             health.has_temperature_celsius() ? std::optional<double>(health.temperature_celsius())
                                              : std::nullopt,
             Optional(health.has_power_on_hours(), health.power_on_hours()),
             Optional(health.has_reallocated_sectors(), health.reallocated_sectors()),
             Optional(health.has_pending_sectors(), health.pending_sectors()),
             Optional(health.has_offline_uncorrectable_sectors(),
                      health.offline_uncorrectable_sectors()),
             Optional(health.has_reported_uncorrectable_errors(),
                      health.reported_uncorrectable_errors()),
             Array(health.attributes(), [](const auto& a) { return a.id(); }),
             Array(health.attributes(), [](const auto& a) { return a.raw(); }));
  }
  copy.Complete();
}

void CopyErrors(Transaction& transaction, const std::string& host, const std::string& boot,
                const Rows& rows) {
  Copy copy(transaction, "io_error", host, boot,
            {"first_sector", "sector_count", "operation", "errno", "count", "provoked"});
  for (const Row& row : rows) {
    const v1::IoError& error = row.record->io_error();
    copy.Add(row, error.drive_id(), Optional(error.has_range(), error.range().first_sector()),
             Optional(error.has_range(), error.range().sector_count()),
             static_cast<int>(error.operation()), error.errno_value(),
             static_cast<std::int64_t>(error.count()), error.provoked());
  }
  copy.Complete();
}

void CopyWeakBlocks(Transaction& transaction, const std::string& host, const std::string& boot,
                    const Rows& rows) {
  Copy copy(transaction, "weak_block", host, boot,
            {"first_sector", "sector_count", "latency_us", "failed_reads", "readable"});
  for (const Row& row : rows) {
    const v1::WeakBlock& weak = row.record->weak_block();
    copy.Add(row, weak.drive_id(), Signed(weak.range().first_sector()),
             Signed(weak.range().sector_count()),
             static_cast<std::int64_t>(weak.latency().seconds() * 1'000'000 +
                                       weak.latency().nanos() / 1000),
             static_cast<std::int64_t>(weak.failed_reads()), weak.readable());
  }
  copy.Complete();
}

std::int64_t Counter(const v1::RemapStatus& status, const std::string& key) {
  const auto found = status.counters().find(key);
  return found == status.counters().end() ? 0 : Signed(found->second);
}

void CopyStatus(Transaction& transaction, const std::string& host, const std::string& boot,
                const Rows& rows) {
  Copy copy(transaction, "remap_status", host, boot, {"device_name", "mode", "remaps", "pending"});
  for (const Row& row : rows) {
    const v1::RemapStatus& status = row.record->remap_status();
    copy.Add(row, status.drive_id(), status.device_name(), status.mode(), Counter(status, "remaps"),
             Counter(status, "pending"));
  }
  copy.Complete();
}

void CopyGaps(Transaction& transaction, const std::string& host, const std::string& boot,
              const Rows& rows) {
  Copy copy(transaction, "telemetry_gap", host, boot, {"lost_records", "reason"});
  for (const Row& row : rows) {
    copy.Add(row, "", Signed(row.record->gap().lost_records()), row.record->gap().reason());
  }
  copy.Complete();
}

void CopyOutcomes(Transaction& transaction, const std::string& host, const std::string& boot,
                  const Rows& rows) {
  Copy copy(transaction, "outcome", host, boot, {"kind", "generation", "stage"});
  for (const Row& row : rows) {
    const v1::Outcome& outcome = row.record->outcome();
    copy.Add(row, "", outcome.kind(), Signed(outcome.generation()),
             static_cast<int>(outcome.stage()));
  }
  copy.Complete();
}

void CopyInventories(Transaction& transaction, const std::string& host, const std::string& boot,
                     const Rows& rows) {
  Copy copy(transaction, "drive_inventory", host, boot, {"drives"});
  for (const Row& row : rows) copy.Add(row, "", row.record->inventory().drives_size());
  copy.Complete();
}

std::optional<std::int64_t> Microseconds(bool has, const google::protobuf::Duration& time) {
  return Optional(has, time.seconds() * 1'000'000 + time.nanos() / 1000);
}

void CopyLatencies(Transaction& transaction, const std::string& host, const std::string& boot,
                   const Rows& rows) {
  Copy copy(transaction, "drive_latency", host, boot,
            {"reads", "writes", "mean_read_us", "mean_write_us", "peer_ratio", "slow"});
  for (const Row& row : rows) {
    const v1::DriveLatency& latency = row.record->latency();
    copy.Add(row, latency.drive_id(), Optional(latency.has_reads(), latency.reads()),
             Optional(latency.has_writes(), latency.writes()),
             Microseconds(latency.has_mean_read(), latency.mean_read()),
             Microseconds(latency.has_mean_write(), latency.mean_write()),
             latency.has_peers() ? std::optional<double>(latency.peers().ratio()) : std::nullopt,
             latency.has_peers() ? std::optional<bool>(latency.peers().slow()) : std::nullopt);
  }
  copy.Complete();
}

void NoteDrive(Transaction& transaction, const std::string& host, const v1::DriveIdentity& drive) {
  transaction.work.exec_params(
      "insert into drive (host_id, drive_id, identity) values ($1, $2, $3::bytea) "
      "on conflict (host_id, drive_id) do nothing",
      host, drive.drive_id(), ToBytea(drive));
}

// Of a drive that sleeps or does not answer, what it said last stays, and how long ago.
void NoteSilence(Transaction& transaction, const std::string& host, const v1::DriveHealth& silent) {
  const auto rows =
      transaction.work.exec_params("select health from drive where host_id = $1 and drive_id = $2",
                                   host, silent.drive().drive_id());
  auto health = rows.empty() ? v1::DriveHealth() : Parse<v1::DriveHealth>(rows[0][0]);
  health.set_power_state(silent.power_state());
  *health.mutable_problems() = silent.problems();
  transaction.work.exec_params(
      "update drive set health = $3::bytea where host_id = $1 and drive_id = $2", host,
      silent.drive().drive_id(), ToBytea(health));
}

// Logs that the agent left out are those that it sent before: in this batch, or an earlier one.
// They stay marked as left out where they never came.
void BringBackLogs(Transaction& transaction, const std::string& host, const Row* whole,
                   v1::DriveHealth& health) {
  v1::DriveHealth before;
  if (whole != nullptr) {
    before = whole->record->health();
  } else {
    const auto rows = transaction.work.exec_params(
        "select health from drive where host_id = $1 and drive_id = $2 and health is not null",
        host, health.drive().drive_id());
    if (rows.empty()) return;
    before = Parse<v1::DriveHealth>(rows[0][0]);
  }
  *health.mutable_logged_errors() = before.logged_errors();
  *health.mutable_self_tests() = before.self_tests();
  health.set_logs_unchanged(before.logs_unchanged());
}

// `whole` is the last record of the batch with all of the drive's logs, if there is one.
void NoteHealth(Transaction& transaction, const std::string& host, const Row& row,
                const Row* whole) {
  v1::DriveHealth health = row.record->health();
  if (!HasReadings(health)) return NoteSilence(transaction, host, health);
  if (health.logs_unchanged()) BringBackLogs(transaction, host, whole, health);
  transaction.work.exec_params(
      "update drive set identity = $3::bytea, health = $4::bytea, health_time = $5 "
      "where host_id = $1 and drive_id = $2",
      host, health.drive().drive_id(), ToBytea(health.drive()), ToBytea(health), row.time);
}

// Whether `now` lists a pending block that `before` does not.
bool ListsMore(const v1::RemapStatus& now, const v1::RemapStatus& before) {
  return std::any_of(now.pending().begin(), now.pending().end(), [&](const auto& range) {
    return std::none_of(before.pending().begin(), before.pending().end(), [&](const auto& known) {
      return known.first_sector() <= range.first_sector() &&
             range.first_sector() + range.sector_count() <=
                 known.first_sector() + known.sector_count();
    });
  });
}

void NoteStatus(Transaction& transaction, const std::string& host, const std::string& boot,
                const Row& row) {
  const v1::RemapStatus& status = row.record->remap_status();
  const auto older = transaction.work.exec_params(
      "select remap from drive where host_id = $1 and drive_id = $2 for no key update", host,
      status.drive_id());
  transaction.work.exec_params(
      "update drive set remap = $3::bytea, remap_time = $4 where host_id = $1 and drive_id = $2",
      host, status.drive_id(), ToBytea(status), row.time);
  const auto before =
      older[0][0].is_null() ? v1::RemapStatus() : Parse<v1::RemapStatus>(older[0][0]);
  if (!ListsMore(status, before)) return;
  transaction.work.exec_params(
      "insert into evidence (host_id, drive_id, boot_id, seq, body, due) values ($1, $2, $3, $4, "
      "$5::bytea, now() + make_interval(secs => $6))",
      host, status.drive_id(), boot, Signed(row.seq), ToBytea(*row.record),
      kEventComesFirst.count());
}

// What the batch says of drives as they are now: the last record of each counts, whatever its time:
// a node sends in order, and its clock may be set back.
void NoteDrives(Transaction& transaction, const std::string& host, const std::string& boot,
                std::map<v1::Record::KindCase, Rows>& rows) {
  using Kind = v1::Record::KindCase;
  // In the order of ids: two streams of one host must not wait for each other.
  std::map<std::string, std::array<const Row*, 3>> newest;
  const auto note = [&newest](const std::string& drive, std::size_t slot, const Row& row) {
    newest[drive][slot] = &row;
  };
  for (const Row& row : rows[Kind::kHealth]) {
    const v1::DriveHealth& health = row.record->health();
    note(health.drive().drive_id(), 0, row);
    if (HasReadings(health) && !health.logs_unchanged()) note(health.drive().drive_id(), 2, row);
  }
  for (const Row& row : rows[Kind::kRemapStatus])
    note(row.record->remap_status().drive_id(), 1, row);
  for (const Row& row : rows[Kind::kIoError]) newest[row.record->io_error().drive_id()];
  for (const Row& row : rows[Kind::kWeakBlock]) newest[row.record->weak_block().drive_id()];
  for (const auto& [drive_id, newest_of] : newest) {
    v1::DriveIdentity drive;
    drive.set_drive_id(drive_id);
    NoteDrive(transaction, host, drive);
    if (newest_of[0] != nullptr) NoteHealth(transaction, host, *newest_of[0], newest_of[2]);
    if (newest_of[1] != nullptr) NoteStatus(transaction, host, boot, *newest_of[1]);
  }
}

// A node sends in order: what its last inventory does not name has gone.
void NoteInventory(Transaction& transaction, const std::string& host, const Row& row) {
  std::set<std::string> present;
  for (const v1::DriveIdentity& drive : row.record->inventory().drives()) {
    present.insert(drive.drive_id());
  }
  const auto known = transaction.work.exec_params(
      "select drive_id, gone_at is not null from drive where host_id = $1 order by drive_id "
      "for no key update",
      host);
  for (const auto& drive : known) {
    const auto id = drive[0].as<std::string>();
    if (present.contains(id) != drive[1].as<bool>()) continue;
    transaction.work.exec_params(
        "update drive set gone_at = case when $3 then null else $4::timestamptz end "
        "where host_id = $1 and drive_id = $2",
        host, id, present.contains(id), row.time);
  }
}

void CopyEvidence(Transaction& transaction, const std::string& host, const std::string& boot,
                  const Rows& errors, const Rows& weak_blocks) {
  pqxx::stream_to stream(transaction.work, "evidence",
                         std::vector<std::string>{"host_id", "drive_id", "boot_id", "seq", "body"});
  for (const Row& row : errors) {
    stream << std::make_tuple(host, row.record->io_error().drive_id(), boot, Signed(row.seq),
                              ToBytea(*row.record));
  }
  for (const Row& row : weak_blocks) {
    stream << std::make_tuple(host, row.record->weak_block().drive_id(), boot, Signed(row.seq),
                              ToBytea(*row.record));
  }
  stream.complete();
}

// Where the stream stands, locked until commit: two deliveries of one batch cannot overtake each
// other.
std::uint64_t LockPosition(Transaction& transaction, const HostId& host, const std::string& boot) {
  transaction.work.exec_params(
      "insert into stream_position (host_id, boot_id, through_seq) values ($1, $2, 0) "
      "on conflict do nothing",
      host.value(), boot);
  return transaction.work
      .exec_params1(
          "select through_seq from stream_position where host_id = $1 and boot_id = $2 for update",
          host.value(), boot)[0]
      .as<std::uint64_t>();
}

// A node without a clock must not be able to make partitions in the year 1970.
TimePoint Sane(const v1::Record& record, TimePoint now) {
  const TimePoint time = FromProto(record.time());
  return time < now - kOldest || time > now + kNewest ? now : time;
}

}  // namespace

Result<IngestReceipt> IngestBatch(Transaction& transaction, const HostId& host,
                                  const v1::Batch& batch, TimePoint now) {
  using Kind = v1::Record::KindCase;
  const std::string& boot = batch.boot_id();
  IngestReceipt receipt{LockPosition(transaction, host, boot), 0};
  std::map<Kind, Rows> rows;
  std::uint64_t seq = batch.first_seq();
  for (const v1::Record& record : batch.records()) {
    if (seq > receipt.through_seq) {
      rows[record.kind_case()].push_back({&record, seq, ToSql(Sane(record, now))});
      ++receipt.stored;
    }
    ++seq;
  }
  if (receipt.stored == 0) return receipt;
  receipt.through_seq = seq - 1;

  std::set<std::string> days;
  for (const auto& [kind, of_kind] : rows) {
    for (const Row& row : of_kind) days.emplace(Day(row));
  }
  for (const std::string& day : days) {
    transaction.work.exec_params("select ensure_partitions($1::date)", day);
  }
  if (rows.contains(Kind::kHealth))
    CopyHealth(transaction, host.value(), boot, rows[Kind::kHealth]);
  if (rows.contains(Kind::kIoError))
    CopyErrors(transaction, host.value(), boot, rows[Kind::kIoError]);
  if (rows.contains(Kind::kWeakBlock)) {
    CopyWeakBlocks(transaction, host.value(), boot, rows[Kind::kWeakBlock]);
  }
  if (rows.contains(Kind::kRemapStatus)) {
    CopyStatus(transaction, host.value(), boot, rows[Kind::kRemapStatus]);
  }
  if (rows.contains(Kind::kGap)) CopyGaps(transaction, host.value(), boot, rows[Kind::kGap]);
  if (rows.contains(Kind::kOutcome)) {
    CopyOutcomes(transaction, host.value(), boot, rows[Kind::kOutcome]);
  }

  NoteDrives(transaction, host.value(), boot, rows);
  if (rows.contains(Kind::kInventory)) {
    CopyInventories(transaction, host.value(), boot, rows[Kind::kInventory]);
    NoteInventory(transaction, host.value(), rows[Kind::kInventory].back());
  }
  if (rows.contains(Kind::kLatency)) {
    CopyLatencies(transaction, host.value(), boot, rows[Kind::kLatency]);
  }
  if (rows.contains(Kind::kIoError) || rows.contains(Kind::kWeakBlock)) {
    CopyEvidence(transaction, host.value(), boot, rows[Kind::kIoError], rows[Kind::kWeakBlock]);
  }
  for (const Row& row : rows[Kind::kOutcome]) {
    RecordOutcome(transaction, host, row.record->outcome());
  }
  transaction.work.exec_params(
      "update stream_position set through_seq = $3 where host_id = $1 and boot_id = $2",
      host.value(), boot, Signed(receipt.through_seq));
  if (rows.contains(Kind::kIoError) || rows.contains(Kind::kWeakBlock)) {
    transaction.work.exec(std::string("notify ") + kEvidenceChannel);
  }
  return receipt;
}

}  // namespace remapfleet
