#include "agent/link/spool.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace remapfleet::agent {
namespace {

// Acknowledged and dropped ones give space back soon, and offsets stay small.
constexpr std::uint64_t kLargestSegment = 16 << 20;
// Each ends a stream, and so there are seconds between them.
constexpr unsigned kReadAttempts = 5;

}  // namespace

std::string Spool::SegmentPath(std::uint32_t number) const {
  return fmt::format("{}/{:016}.seg", folder_, number);
}

std::uint64_t Spool::TotalBytes() const {
  std::uint64_t total = 0;
  for (const auto& [number, segment] : segments_) total += segment.bytes;
  return total;
}

Spool::Kind Spool::KindOf(const v1::Record& record) {
  if (record.has_outcome()) return Kind::kOutcome;
  if (record.has_inventory()) return Kind::kInventory;
  if (!record.has_gap()) return Kind::kTelemetry;
  return record.gap().first_seq() != 0 ? Kind::kGap : Kind::kReport;
}

Status Spool::OpenActive() {
  active_number_ = next_segment_++;
  const std::string path = SegmentPath(active_number_);
  auto file = files_.CreateAppend(path);
  if (!file) return Fail(file.error());
  const std::string header = EncodeSegmentHeader(boot_id_);
  if (auto written = (*file)->Append(header); !written) {
    if (auto removed = files_.Remove(path); !removed) {
      spdlog::warn("spool: {}", removed.error().message());
    }
    return written;
  }
  active_ = std::move(*file);
  segments_[active_number_] = {path, boot_id_, header.size(), 0, 0, false};
  return {};
}

Status Spool::AppendLocked(const std::vector<v1::Record>& records) {
  if (!active_) {
    if (auto opened = OpenActive(); !opened) return opened;
  }
  Segment& segment = segments_[active_number_];
  std::string bytes;
  std::vector<Entry> entries;
  for (const v1::Record& record : records) {
    const std::string serialized = record.SerializeAsString();
    const std::uint64_t seq = next_seq_ + entries.size();
    entries.push_back({next_cursor_ + entries.size(), seq, active_number_,
                       static_cast<std::uint32_t>(segment.bytes + bytes.size() + kFrameHeader),
                       static_cast<std::uint32_t>(serialized.size()), KindOf(record)});
    bytes += EncodeFrame(seq, serialized);
  }
  // Given for good: what failed may still be found there after a crash, under these numbers.
  next_seq_ += entries.size();
  Status written = active_->Append(bytes);
  if (written) written = active_->Sync();
  if (!written) {
    // Half a frame may stand at the end now: nothing may be written behind it.
    if (auto cut = active_->Truncate(segment.bytes); !cut) {
      spdlog::warn("spool: {}", cut.error().message());
    }
    active_.reset();
    return written;
  }
  segment.bytes += bytes.size();
  segment.live += entries.size();
  segment.last_seq = next_seq_ - 1;
  next_cursor_ += entries.size();
  for (const Entry& entry : entries) {
    if (entry.kind == Kind::kInventory) newest_inventory_ = entry.cursor;
    entries_.push_back(entry);
  }
  if (segment.bytes >= std::min(max_bytes_ / 16, kLargestSegment)) active_.reset();
  return {};
}

Status Spool::Append(std::vector<v1::Record> records) {
  if (records.empty()) return {};
  const std::lock_guard lock(mutex_);
  Status stored = MakeRoom(records);
  if (stored) stored = AppendLocked(records);
  if (stored) {
    NoteRecovery();
  } else {
    NoteFailure(records, stored.error());
  }
  ++version_;
  changed_.notify_all();
  return stored;
}

// Who wants an outcome stored tries again; telemetry is lost.
void Spool::NoteFailure(const std::vector<v1::Record>& records, const Error& error) {
  if (!std::exchange(failing_, true)) {
    spdlog::error("spool: {}: what drives and the kernel say is lost until {} can be written",
                  error.message(), folder_);
  }
  const auto lost = std::count_if(records.begin(), records.end(),
                                  [](const auto& record) { return !record.has_outcome(); });
  refused_ += static_cast<std::uint64_t>(lost);
  dropped_ += static_cast<std::uint64_t>(lost);
}

void Spool::NoteRecovery() {
  if (std::exchange(failing_, false)) {
    spdlog::info("spool: {} can be written again; {} records were lost", folder_, refused_);
  }
  if (refused_ == 0) return;
  v1::Record record;
  record.mutable_gap()->set_lost_records(refused_);
  record.mutable_gap()->set_reason("the agent's spool could not be written");
  if (AppendLocked({record})) refused_ = 0;
}

Result<std::optional<Spool::Chunk>> Spool::Next(Cursor after, std::size_t max_records,
                                                std::uint64_t max_bytes) {
  const std::lock_guard lock(mutex_);
  auto it =
      std::upper_bound(entries_.begin(), entries_.end(), after,
                       [](Cursor cursor, const Entry& entry) { return cursor < entry.cursor; });
  if (it == entries_.end()) return std::nullopt;
  const Entry first = *it;
  Chunk chunk;
  chunk.batch.set_boot_id(segments_[first.segment].boot_id);
  chunk.batch.set_first_seq(first.seq);
  for (std::uint64_t seq = first.seq;
       it != entries_.end() && it->segment == first.segment && it->seq == seq; ++it, ++seq) {
    const bool full = static_cast<std::size_t>(chunk.batch.records_size()) >= max_records ||
                      chunk.bytes + it->size > max_bytes;
    if (full && chunk.batch.records_size() != 0) break;
    auto record = ReadOrStandIn(*it);
    if (!record && chunk.batch.records_size() != 0) break;
    if (!record) return Fail(record.error());
    *chunk.batch.add_records() = std::move(*record);
    chunk.bytes += it->size;
    chunk.end = it->cursor;
  }
  return chunk;
}

Result<v1::Record> Spool::ReadEntry(const Entry& entry) {
  const std::string& path = segments_[entry.segment].path;
  const auto bytes =
      files_.ReadAt(path, entry.offset - kFrameHeader, std::size_t{entry.size} + kFrameHeader);
  if (!bytes) return Fail(bytes.error());
  const auto serialized = DecodeFrame(*bytes);
  v1::Record record;
  if (!serialized || !record.ParseFromArray(serialized->data(), static_cast<int>(entry.size))) {
    return Fail(Code::kDataLoss, path + ": a record cannot be read back");
  }
  return record;
}

// One bad sector must not hold up all that is behind it for ever; a disk that has gone for a while,
// and everything with it, must not cost a record.
Result<v1::Record> Spool::ReadOrStandIn(const Entry& entry) {
  auto record = ReadEntry(entry);
  if (record) return record;
  if (std::exchange(unreadable_, entry.cursor) != entry.cursor) failed_reads_ = 0;
  if (++failed_reads_ < kReadAttempts) return record;
  const auto reads = [&](const Entry& other) {
    return other.cursor != entry.cursor && ReadEntry(other).has_value();
  };
  if (!reads(entries_.front()) && !reads(entries_.back())) return record;
  spdlog::error("spool: {}: the controller is told that it is lost", record.error().message());
  v1::Record stand_in;
  stand_in.mutable_gap()->set_lost_records(1);
  stand_in.mutable_gap()->set_reason("a record of the agent's spool could not be read back");
  return stand_in;
}

Status Spool::Resume(std::uint64_t acked_seq) {
  const std::lock_guard lock(mutex_);
  const bool ours = acked_seq < next_seq_ && (!fresh_ || acked_seq == 0);
  if (auto renumbered = ours ? Status() : Renumber(acked_seq); !renumbered) return renumbered;
  AckLocked(boot_id_, acked_seq);
  if (!fresh_) return {};
  // From here on, what this boot has committed is known to be from this folder.
  if (auto saved = SaveState(); !saved) return saved;
  fresh_ = false;
  return {};
}

Status Spool::Renumber(std::uint64_t acked_seq) {
  std::vector<v1::Record> records;
  for (const Entry& entry : entries_) {
    if (segments_[entry.segment].boot_id != boot_id_) continue;
    auto record = ReadOrStandIn(entry);
    if (!record) return Fail(record.error());
    if (record->has_gap()) record->mutable_gap()->clear_first_seq();
    records.push_back(std::move(*record));
  }
  spdlog::warn(
      "spool: the controller knows records up to {} of this boot, and this spool only gave "
      "{}: {} are numbered anew",
      acked_seq, next_seq_ - 1, records.size());
  const std::uint64_t first = next_seq_ = std::max(next_seq_, acked_seq + 1);
  if (records.empty()) return {};
  if (auto appended = AppendLocked(records); !appended) return appended;
  AckLocked(boot_id_, first - 1);
  return {};
}

void Spool::Ack(const std::string& boot_id, std::uint64_t through_seq) {
  const std::lock_guard lock(mutex_);
  AckLocked(boot_id, through_seq);
}

void Spool::AckLocked(const std::string& boot_id, std::uint64_t through_seq) {
  if (boot_id == boot_id_) {
    last_acked_ = std::max(last_acked_, std::min(through_seq, next_seq_ - 1));
  }
  const auto of_boot = [&](const Entry& entry) {
    return segments_[entry.segment].boot_id == boot_id;
  };
  const auto first = std::find_if(entries_.begin(), entries_.end(), of_boot);
  bool emptied = false;
  auto last = first;
  for (; last != entries_.end() && last->seq <= through_seq && of_boot(*last); ++last) {
    emptied = --segments_[last->segment].live == 0 || emptied;
  }
  entries_.erase(first, last);
  if (emptied) {
    if (active_ && segments_[active_number_].live == 0 &&
        segments_[active_number_].bytes >= max_bytes_ / 64) {
      active_.reset();
    }
    // A segment that goes takes its numbers along: remember them first, or keep it.
    auto saved = SaveState();
    DropEmptySegments(saved.has_value());
    // On a full disk there is room now.
    if (!saved && (saved = SaveState())) DropEmptySegments(true);
    if (!saved) spdlog::error("spool: {}", saved.error().message());
    KeepReserve();
  }
  ++version_;
  changed_.notify_all();
}

std::uint64_t Spool::WaitChange(std::uint64_t version, std::stop_token stop,
                                std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, deadline, [&] { return version_ != version; });
  return version_;
}

void Spool::Poke() {
  const std::lock_guard lock(mutex_);
  ++version_;
  changed_.notify_all();
}

std::uint64_t Spool::last_acked() const {
  const std::lock_guard lock(mutex_);
  return last_acked_;
}

SpoolStats Spool::stats() const {
  const std::lock_guard lock(mutex_);
  return {entries_.size(), TotalBytes(), dropped_, entries_.size() * sizeof(Entry), failing_};
}

}  // namespace remapfleet::agent
