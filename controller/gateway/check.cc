#include "controller/gateway/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "support/ids.h"

namespace remapfleet {
namespace {

// PostgreSQL's bigint.
constexpr std::uint64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxText = 16384;
constexpr int kMaxDrives = 4096;
constexpr int kMaxQueries = 1000;

tl::unexpected<Error> Bad(const std::string& field, const std::string& why) {
  return Fail(Code::kInvalidArgument, field + " " + why);
}

// What can stand in a text column: valid UTF-8 is guaranteed by protobuf, zero bytes are not
// excluded by it.
bool GoodText(const std::string& text, std::size_t limit) {
  return text.size() <= limit && text.find('\0') == std::string::npos;
}

// Shown to people and written to logs as it is: no control characters.
bool GoodName(const std::string& name) {
  return GoodText(name, kMaxName) && std::none_of(name.begin(), name.end(), [](char c) {
           return (c >= 0 && c < ' ') || c == 0x7f;
         });
}

bool GoodId(const std::string& id) { return !id.empty() && GoodName(id); }

bool GoodDeviceName(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Status CheckRange(const std::string& field, const v1::SectorRange& range) {
  if (range.sector_count() == 0) return Bad(field, "is empty");
  if (range.first_sector() > kMaxNumber - std::min(range.sector_count(), kMaxNumber) ||
      range.sector_count() > kMaxNumber) {
    return Bad(field, "passes the end of all disks");
  }
  return {};
}

// What Timestamp and Duration allow, and what arithmetic with them survives.
Status CheckTime(const std::string& field, const google::protobuf::Timestamp& time) {
  constexpr std::int64_t kFirst = -62'135'596'800;  // 0001-01-01
  constexpr std::int64_t kLast = 253'402'300'799;   // 9999-12-31
  if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return Bad(field, "is not a time");
  }
  return {};
}

Status CheckWeakBlock(const std::string& at, const v1::WeakBlock& weak) {
  constexpr std::int64_t kDay = 86'400;
  if (!GoodId(weak.drive_id())) return Bad(at + ".drive_id", "is not an id");
  if (weak.latency().seconds() < 0 || weak.latency().seconds() > kDay ||
      weak.latency().nanos() < 0 || weak.latency().nanos() > 999'999'999) {
    return Bad(at + ".latency", "is not between nothing and a day");
  }
  if (weak.failed_reads() > std::numeric_limits<std::int32_t>::max()) {
    return Bad(at + ".failed_reads", "is above 2^31");
  }
  if (weak.slow_threshold().seconds() < 0 || weak.slow_threshold().seconds() > kDay) {
    return Bad(at + ".slow_threshold", "is not between nothing and a day");
  }
  return CheckRange(at + ".range", weak.range());
}

Status CheckHealth(const std::string& at, const v1::DriveHealth& health) {
  if (!GoodId(health.drive().drive_id())) return Bad(at + ".drive.drive_id", "is not an id");
  for (const auto& attribute : health.attributes()) {
    if (attribute.id() < 1 || attribute.id() > 255)
      return Bad(at + ".attributes.id", "is not 1 to 255");
    if (attribute.raw() > kMaxNumber) return Bad(at + ".attributes.raw", "is not a 48-bit number");
  }
  for (const std::uint64_t number :
       {health.power_on_hours(), health.reallocated_sectors(), health.pending_sectors(),
        health.offline_uncorrectable_sectors(), health.reported_uncorrectable_errors()}) {
    if (number > kMaxNumber) return Bad(at, "holds a number above 2^63");
  }
  return {};
}

Status CheckStatus(const std::string& at, const v1::RemapStatus& status) {
  if (!GoodId(status.drive_id())) return Bad(at + ".drive_id", "is not an id");
  if (!GoodText(status.device_name(), kMaxName)) return Bad(at + ".device_name", "is not a name");
  if (!GoodText(status.mode(), kMaxName)) return Bad(at + ".mode", "is not a mode");
  if (status.block_bytes() % 512 != 0) return Bad(at + ".block_bytes", "is not a multiple of 512");
  for (const auto& range : status.pending()) {
    const Status good = CheckRange(at + ".pending", range);
    if (!good) return good;
  }
  return {};
}

Status CheckLatency(const std::string& at, const v1::DriveLatency& latency) {
  constexpr int kMostHistograms = 16;
  constexpr int kMostBuckets = 64;
  if (!GoodId(latency.drive_id())) return Bad(at + ".drive_id", "is not an id");
  if (latency.reads() > kMaxNumber || latency.writes() > kMaxNumber) {
    return Bad(at, "holds a number above 2^63");
  }
  for (const auto& time : {latency.mean_read(), latency.mean_write()}) {
    // A mean is at most what a wrap of the kernel's clock holds, 50 days.
    if (time.seconds() < 0 || time.seconds() > 50 * 86'400 || time.nanos() < 0 ||
        time.nanos() > 999'999'999) {
      return Bad(at, "holds a mean that is not between nothing and 50 days");
    }
  }
  if (latency.histograms_size() > kMostHistograms) return Bad(at + ".histograms", "are too many");
  for (const auto& histogram : latency.histograms()) {
    if (histogram.counts_size() > kMostBuckets) {
      return Bad(at + ".histograms.counts", "are too many");
    }
  }
  return {};
}

Status CheckOutcome(const std::string& at, const v1::Outcome& outcome) {
  if (!GoodId(outcome.kind())) return Bad(at + ".kind", "is not a kind");
  if (outcome.generation() == 0 || outcome.generation() > kMaxNumber) {
    return Bad(at + ".generation", "is not a generation");
  }
  if (outcome.stage() < v1::Outcome::STAGE_ACCEPTED ||
      outcome.stage() > v1::Outcome::STAGE_REJECTED) {
    return Bad(at + ".stage", "is not a stage");
  }
  if (!GoodText(outcome.error_message(), kMaxText))
    return Bad(at + ".error_message", "is too long");
  // APPLIED means that the kernel was asked.
  if (outcome.stage() == v1::Outcome::STAGE_APPLIED &&
      (outcome.read_back().status().empty() || outcome.read_back().table().empty())) {
    return Bad(at + ".read_back", "is missing from APPLIED");
  }
  if (!GoodText(outcome.read_back().status(), kMaxText) ||
      !GoodText(outcome.read_back().table(), kMaxText)) {
    return Bad(at + ".read_back", "is too long");
  }
  if (outcome.read_back().queries_size() > kMaxQueries) {
    return Bad(at + ".read_back.queries", "are too many");
  }
  for (const std::string& query : outcome.read_back().queries()) {
    if (!GoodText(query, kMaxName)) return Bad(at + ".read_back.queries", "are too long");
  }
  return {};
}

Status CheckRecord(const std::string& at, const v1::Record& record) {
  for (const auto& time : {record.time(), record.io_error().time(), record.weak_block().time(),
                           record.remap_status().time(), record.outcome().read_back().time()}) {
    const Status good = CheckTime(at + ".time", time);
    if (!good) return good;
  }
  switch (record.kind_case()) {
    case v1::Record::kHealth:
      return CheckHealth(at + ".health", record.health());
    case v1::Record::kIoError:
      if (!GoodId(record.io_error().drive_id()))
        return Bad(at + ".io_error.drive_id", "is not an id");
      if (record.io_error().count() == 0) return Bad(at + ".io_error.count", "is zero");
      if (!v1::IoError::Operation_IsValid(record.io_error().operation()))
        return Bad(at + ".io_error.operation", "is not an operation that this controller knows");
      if (!record.io_error().has_range()) return {};
      return CheckRange(at + ".io_error.range", record.io_error().range());
    case v1::Record::kWeakBlock:
      return CheckWeakBlock(at + ".weak_block", record.weak_block());
    case v1::Record::kRemapStatus:
      return CheckStatus(at + ".remap_status", record.remap_status());
    case v1::Record::kOutcome:
      return CheckOutcome(at + ".outcome", record.outcome());
    case v1::Record::kGap:
      if (record.gap().lost_records() > kMaxNumber)
        return Bad(at + ".gap.lost_records", "is above 2^63");
      if (!GoodText(record.gap().reason(), kMaxText)) return Bad(at + ".gap.reason", "is too long");
      return {};
    case v1::Record::kInventory:
      if (record.inventory().drives_size() > kMaxDrives) {
        return Bad(at + ".inventory.drives", "are too many");
      }
      for (const auto& drive : record.inventory().drives()) {
        if (!GoodId(drive.drive_id()))
          return Bad(at + ".inventory.drives.drive_id", "is not an id");
      }
      return {};
    case v1::Record::kLatency:
      return CheckLatency(at + ".latency", record.latency());
    case v1::Record::KIND_NOT_SET:
      break;
  }
  return Bad(at, "says nothing that this controller knows");
}

}  // namespace

Status CheckHello(const v1::Hello& hello) {
  if (!IsUuid(hello.boot_id())) return Bad("hello.boot_id", "is not a UUID");
  if (!GoodName(hello.hostname())) return Bad("hello.hostname", "is not a name");
  if (!GoodName(hello.agent_version())) return Bad("hello.agent_version", "is not a version");
  if (hello.drives_size() > kMaxDrives) return Bad("hello.drives", "are too many");
  if (hello.configured_size() > kMaxDrives) return Bad("hello.configured", "are too many");
  if (hello.known_generations().size() > kMaxDrives) {
    return Bad("hello.known_generations", "are too many");
  }
  for (const auto& drive : hello.drives()) {
    if (!GoodId(drive.drive_id())) return Bad("hello.drives.drive_id", "is not an id");
  }
  for (const auto& [kind, generation] : hello.known_generations()) {
    if (!GoodId(kind)) return Bad("hello.known_generations", "names no kind");
    if (generation >= kMaxNumber) return Bad("hello.known_generations", "is above 2^63");
  }
  for (const auto& spec : hello.configured()) {
    if (!GoodDeviceName(spec.device_name())) {
      return Bad("hello.configured.device_name", "is not 1 to 64 of a-z, 0-9, '_', '-'");
    }
    if (!spec.remap_ranges().empty() || !spec.settings().empty()) {
      return Bad("hello.configured", "holds what only the controller decides");
    }
    if (!GoodId(spec.drive_id())) return Bad("hello.configured.drive_id", "is not an id");
    if (!GoodId(spec.spare_drive_id()))
      return Bad("hello.configured.spare_drive_id", "is not an id");
  }
  return {};
}

Status CheckBatch(const v1::Batch& batch) {
  if (!IsUuid(batch.boot_id())) return Bad("batch.boot_id", "is not a UUID");
  if (batch.records().empty()) return Bad("batch.records", "is empty");
  if (batch.records_size() > static_cast<int>(kMaxBatchRecords)) {
    return Bad("batch.records", fmt::format("holds more than {}", kMaxBatchRecords));
  }
  if (batch.first_seq() == 0 || batch.first_seq() > kMaxNumber - kMaxBatchRecords) {
    return Bad("batch.first_seq", "is not a number from 1");
  }
  for (int i = 0; i < batch.records_size(); ++i) {
    const Status good = CheckRecord(fmt::format("batch.records[{}]", i), batch.records(i));
    if (!good) return good;
  }
  return {};
}

}  // namespace remapfleet
