#include "agent/link/spool.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace remapfleet::agent {

std::string Spool::SegmentPath(std::uint64_t number) const {
  return fmt::format("{}/{:016}.seg", folder_, number);
}

std::uint64_t Spool::TotalBytes() const {
  std::uint64_t total = 0;
  for (const auto& [number, segment] : segments_) total += segment.bytes;
  return total;
}

Status Spool::OpenActive() {
  active_number_ = next_segment_++;
  const std::string path = SegmentPath(active_number_);
  auto file = files_.CreateAppend(path);
  if (!file) return Fail(file.error());
  const std::string header = EncodeSegmentHeader(boot_id_);
  if (auto written = (*file)->Append(header); !written) return written;
  active_ = std::move(*file);
  segments_[active_number_] = {path, boot_id_, header.size(), 0};
  return {};
}

Status Spool::AppendLocked(const std::vector<v1::Record>& records) {
  if (!active_) {
    if (auto opened = OpenActive(); !opened) return opened;
  }
  Segment& segment = segments_[active_number_];
  std::string bytes;
  std::deque<Entry> entries;
  for (const v1::Record& record : records) {
    const std::string serialized = record.SerializeAsString();
    const std::uint64_t seq = next_seq_ + entries.size();
    entries.push_back({next_cursor_ + entries.size(),
                       active_number_,
                       {seq, segment.bytes + bytes.size() + kFrameHeader,
                        static_cast<std::uint32_t>(serialized.size())},
                       record.has_outcome()});
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
  next_cursor_ += entries.size();
  std::move(entries.begin(), entries.end(), std::back_inserter(entries_));
  // Small segments, so that acknowledged and dropped ones give space back soon.
  if (segment.bytes >= max_bytes_ / 16) active_.reset();
  return {};
}

Status Spool::Append(std::vector<v1::Record> records) {
  if (records.empty()) return {};
  const std::lock_guard lock(mutex_);
  auto appended = AppendLocked(records);
  if (!appended) return appended;
  if (TotalBytes() > max_bytes_) appended = MakeRoom();
  ++version_;
  changed_.notify_all();
  return appended;
}

Status Spool::MakeRoom() {
  std::uint64_t dropped = 0;
  while (TotalBytes() > max_bytes_) {
    const auto oldest = std::find_if(entries_.begin(), entries_.end(),
                                     [](const Entry& entry) { return !entry.is_outcome; });
    // Only outcomes are left, or all is in the segment just written: it may exceed the cap.
    if (oldest == entries_.end() || oldest->segment == active_number_) break;
    if (auto done = DropTelemetryOf(oldest->segment, dropped); !done) return done;
  }
  if (dropped == 0) return {};
  dropped_ += dropped;
  spdlog::warn("spool is full: dropped the oldest {} records", dropped);
  v1::Record record;
  record.mutable_gap()->set_lost_records(dropped);
  record.mutable_gap()->set_reason("the agent's spool was full: the oldest telemetry was dropped");
  return AppendLocked({record});
}

// Writes the outcomes of a segment to a new file that takes its place.
Status Spool::DropTelemetryOf(std::uint64_t number, std::uint64_t& dropped) {
  Segment& segment = segments_[number];
  auto bytes = files_.Read(segment.path);
  if (!bytes) return Fail(bytes.error());
  std::string kept = EncodeSegmentHeader(segment.boot_id);
  std::deque<Entry> entries;
  std::size_t live = 0;
  for (Entry entry : entries_) {
    if (entry.segment == number) {
      if (!entry.is_outcome) {
        ++dropped;
        continue;
      }
      const std::string_view record =
          std::string_view(*bytes).substr(entry.frame.offset, entry.frame.size);
      entry.frame.offset = kept.size() + kFrameHeader;
      kept += EncodeFrame(entry.frame.seq, record);
      ++live;
    }
    entries.push_back(entry);
  }
  // The numbers that go must not come back: the state file remembers the highest one.
  if (auto saved = SaveState(); !saved) return saved;
  if (live != 0) {
    if (auto written = files_.WriteDurably(segment.path, kept); !written) return written;
  }
  entries_ = std::move(entries);
  segment.bytes = kept.size();
  segment.live = live;
  DropEmptySegments();
  return {};
}

void Spool::DropEmptySegments() {
  for (auto it = segments_.begin(); it != segments_.end();) {
    const bool active = active_ && it->first == active_number_;
    if (it->second.live != 0 || active) {
      ++it;
      continue;
    }
    if (auto removed = files_.Remove(it->second.path); !removed) {
      spdlog::warn("spool: {}", removed.error().message());
    }
    it = segments_.erase(it);
  }
}

Result<std::optional<Spool::Chunk>> Spool::Next(Cursor after, std::size_t max_records,
                                                std::uint64_t max_bytes) {
  const std::lock_guard lock(mutex_);
  auto it =
      std::upper_bound(entries_.begin(), entries_.end(), after,
                       [](Cursor cursor, const Entry& entry) { return cursor < entry.cursor; });
  if (it == entries_.end()) return std::nullopt;
  const Entry first = *it;
  const Segment& segment = segments_[first.segment];
  Chunk chunk;
  chunk.batch.set_boot_id(segment.boot_id);
  chunk.batch.set_first_seq(first.frame.seq);
  for (std::uint64_t seq = first.frame.seq;
       it != entries_.end() && it->segment == first.segment && it->frame.seq == seq; ++it, ++seq) {
    const bool full = static_cast<std::size_t>(chunk.batch.records_size()) >= max_records ||
                      chunk.bytes + it->frame.size > max_bytes;
    if (full && chunk.batch.records_size() != 0) break;
    auto record = ReadEntry(*it);
    if (!record) return Fail(record.error());
    *chunk.batch.add_records() = std::move(*record);
    chunk.bytes += it->frame.size;
    chunk.end = it->cursor;
  }
  return chunk;
}

Result<v1::Record> Spool::ReadEntry(const Entry& entry) {
  const std::string& path = segments_[entry.segment].path;
  const auto bytes = files_.ReadAt(path, entry.frame.offset, entry.frame.size);
  if (!bytes) return Fail(bytes.error());
  v1::Record record;
  if (!record.ParseFromString(*bytes)) {
    return Fail(Code::kDataLoss, path + ": a record cannot be read back");
  }
  return record;
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
    auto record = ReadEntry(entry);
    if (!record) return Fail(record.error());
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
  bool emptied = false;
  std::erase_if(entries_, [&](const Entry& entry) {
    Segment& segment = segments_[entry.segment];
    if (segment.boot_id != boot_id || entry.frame.seq > through_seq) return false;
    emptied = --segment.live == 0 || emptied;
    return true;
  });
  if (emptied) {
    // A segment that goes takes its numbers along: remember them first, or keep it.
    if (active_ && segments_[active_number_].live == 0 &&
        segments_[active_number_].bytes >= max_bytes_ / 64) {
      active_.reset();
    }
    if (auto saved = SaveState(); saved) {
      DropEmptySegments();
    } else {
      spdlog::error("spool: {}", saved.error().message());
    }
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
  return {entries_.size(), TotalBytes(), dropped_};
}

}  // namespace remapfleet::agent
