#include "agent/link/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/posix/files.h"

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
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return Fail(Error::FromErrno(errno, path));
  const std::string header = EncodeSegmentHeader(boot_id_);
  if (auto written = WriteAll(fd.get(), header, path); !written) return written;
  if (auto synced = SyncFolder(folder_); !synced) return synced;
  active_ = std::move(fd);
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
  Status written = WriteAll(active_.get(), bytes, segment.path);
  if (written && fdatasync(active_.get()) != 0) {
    written = Fail(Error::FromErrno(errno, segment.path));
  }
  if (!written) {
    // Half a frame may stand at the end now: nothing may be written behind it.
    if (ftruncate(active_.get(), static_cast<off_t>(segment.bytes)) != 0) segment.live += 1;
    active_.Reset();
    return written;
  }
  segment.bytes += bytes.size();
  segment.live += entries.size();
  next_seq_ += entries.size();
  next_cursor_ += entries.size();
  std::move(entries.begin(), entries.end(), std::back_inserter(entries_));
  // Small segments, so that acknowledged and dropped ones give space back soon.
  if (segment.bytes >= max_bytes_ / 16) active_.Reset();
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
  auto bytes = ReadFile(segment.path);
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
    if (auto written = WriteFileDurably(segment.path, kept); !written) return written;
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
    unlink(it->second.path.c_str());
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
  const UniqueFd fd(open(segment.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Fail(Error::FromErrno(errno, segment.path));
  Chunk chunk;
  chunk.batch.set_boot_id(segment.boot_id);
  chunk.batch.set_first_seq(first.frame.seq);
  for (std::uint64_t seq = first.frame.seq;
       it != entries_.end() && it->segment == first.segment && it->frame.seq == seq; ++it, ++seq) {
    const bool full = static_cast<std::size_t>(chunk.batch.records_size()) >= max_records ||
                      chunk.bytes + it->frame.size > max_bytes;
    if (full && chunk.batch.records_size() != 0) break;
    std::string bytes(it->frame.size, '\0');
    if (pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(it->frame.offset)) !=
            static_cast<ssize_t>(bytes.size()) ||
        !chunk.batch.add_records()->ParseFromString(bytes)) {
      return Fail(Code::kDataLoss, segment.path + ": a record cannot be read back");
    }
    chunk.bytes += bytes.size();
    chunk.end = it->cursor;
  }
  return chunk;
}

void Spool::Ack(const std::string& boot_id, std::uint64_t through_seq) {
  const std::lock_guard lock(mutex_);
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
      active_.Reset();
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
