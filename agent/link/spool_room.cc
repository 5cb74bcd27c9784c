// How the spool keeps to its size: the oldest telemetry goes, and what was dropped is counted in
// its stead.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "agent/link/spool.h"

namespace remapfleet::agent {
namespace {

// The index keeps 32 bytes of each record in memory, however small the record is.
constexpr std::uint64_t kBytesARecord = 256;
constexpr std::uint64_t kDropsALine = 1000;  // in the log

}  // namespace

void LeaveOutSent(v1::Batch& batch, std::uint64_t sent) {
  for (v1::Record& record : *batch.mutable_records()) {
    if (!record.has_gap() || record.gap().first_seq() == 0) continue;
    v1::TelemetryGap& gap = *record.mutable_gap();
    if (sent < gap.first_seq()) continue;
    const std::uint64_t had = sent - gap.first_seq() + 1;
    // Some of the numbers may have been given to nothing: at least the last one is missing.
    gap.set_lost_records(gap.lost_records() > had ? gap.lost_records() - had : 1);
    gap.set_first_seq(sent + 1);
  }
}

bool Spool::IsFull(std::uint64_t more_bytes, std::size_t more_records) const {
  return TotalBytes() + more_bytes > max_bytes_ ||
         entries_.size() + more_records > std::max<std::uint64_t>(max_bytes_ / kBytesARecord, 1);
}

// Older inventories say nothing that the newest one does not.
bool Spool::MayGo(const Entry& entry) const {
  return entry.kind == Kind::kTelemetry || entry.kind == Kind::kReport ||
         (entry.kind == Kind::kInventory && entry.cursor != newest_inventory_);
}

Status Spool::MakeRoom(const std::vector<v1::Record>& records) {
  std::uint64_t more = active_ ? 0 : kSegmentHeader;
  if (refused_ != 0) more += kBytesARecord;  // a gap follows
  for (const v1::Record& record : records) more += record.ByteSizeLong() + kFrameHeader;
  const std::uint64_t before = dropped_;
  Status made;
  std::uint32_t tried = 0;
  while (IsFull(more, records.size())) {
    const auto oldest = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.segment > tried && MayGo(entry);
    });
    // Only what must stay is left: what comes goes beyond the limit.
    if (oldest == entries_.end()) break;
    tried = oldest->segment;
    const auto dropped = DropTelemetryOf(tried);
    if (!dropped) made = dropped;
  }
  if (dropped_ / kDropsALine != before / kDropsALine || (before == 0 && dropped_ != 0)) {
    spdlog::warn("spool: {} is full: {} of the oldest records were dropped since the start",
                 folder_, dropped_);
  }
  // Nothing could be dropped where something should: the limit holds, but not for outcomes.
  const bool must = std::any_of(records.begin(), records.end(),
                                [](const v1::Record& record) { return record.has_outcome(); });
  return must || !IsFull(more, records.size()) ? Status() : made;
}

// The segment before it, if that is of the same boot and nothing of it may go any more: else there
// would be a file for each that was ever dropped.
std::uint32_t Spool::MergeTarget(std::uint32_t number) const {
  const auto own = segments_.find(number);
  if (own == segments_.begin()) return number;
  const std::uint32_t before = std::prev(own)->first;
  const Segment& segment = std::prev(own)->second;
  if (segment.boot_id != own->second.boot_id || segment.live == 0 ||
      segment.bytes > max_bytes_ / 16) {
    return number;
  }
  const bool settled = std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.segment == before && MayGo(entry);
  });
  return settled ? before : number;
}

void Spool::Keep(Image& image, Entry entry, const v1::Record& record) const {
  const std::string serialized = record.SerializeAsString();
  entry.offset = static_cast<std::uint32_t>(image.bytes.size() + kFrameHeader);
  entry.size = static_cast<std::uint32_t>(serialized.size());
  entry.kind = KindOf(record);
  image.bytes += EncodeFrame(entry.seq, serialized);
  image.entries.push_back(entry);
}

// Outcomes as they are, and each run of anything else as one gap with the last one's number: the
// controller takes it for a repetition if it has committed that one after all.
Result<Spool::Image> Spool::Shrink(Entries::const_iterator first, Entries::const_iterator last,
                                   std::uint32_t into, std::uint64_t& dropped) {
  Image image{EncodeSegmentHeader(segments_[into].boot_id), {}};
  std::optional<v1::Record> gap;
  const auto end_run = [&](Entry entry) {
    entry.segment = into;
    if (gap) Keep(image, entry, *gap);
    gap.reset();
  };
  for (auto it = first; it != last; ++it) {
    const bool counts = MayGo(*it) || it->kind == Kind::kGap;
    if (!counts && gap) end_run(*std::prev(it));
    // Of telemetry only the time of the last is wanted, and of that only if it can be read.
    const bool within = std::next(it) != last && MayGo(*std::next(it));
    const bool lost = it->kind == Kind::kReport || it->kind == Kind::kGap;
    auto record = MayGo(*it) && within && !lost ? Result<v1::Record>() : ReadEntry(*it);
    // Such a segment stays as it is, and the next one goes.
    if (!record && (lost || !counts)) return Fail(record.error());
    if (!counts) {
      Entry entry = *it;
      entry.segment = into;
      Keep(image, entry, *record);
      continue;
    }
    if (!gap) gap.emplace().mutable_gap()->set_first_seq(it->seq);
    v1::TelemetryGap& sum = *gap->mutable_gap();
    sum.set_reason("the agent's spool was full: the oldest telemetry was dropped");
    if (it->kind == Kind::kGap) {
      sum.set_first_seq(std::min(sum.first_seq(), record->gap().first_seq()));
    }
    sum.set_lost_records(sum.lost_records() +
                         std::max<std::uint64_t>(lost ? record->gap().lost_records() : 1, 1));
    if (record && record->has_time()) *gap->mutable_time() = record->time();
    dropped += MayGo(*it) ? 1 : 0;
  }
  if (gap) end_run(*std::prev(last));
  return image;
}

Status Spool::DropTelemetryOf(std::uint32_t number) {
  if (active_ && number == active_number_) active_.reset();
  const std::uint32_t into = MergeTarget(number);
  const auto begin = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.segment == into; });
  const auto end = std::find_if(begin, entries_.end(),
                                [&](const Entry& entry) { return entry.segment > number; });
  std::uint64_t dropped = 0;
  auto image = Shrink(begin, end, into, dropped);
  if (!image) return Fail(image.error());
  Segment& target = segments_[into];
  Segment& source = segments_[number];
  const Status written = files_.WriteDurably(target.path, image->bytes);
  if (!written) {
    const auto there = files_.Read(target.path);
    if (!there || *there != image->bytes) return written;
    // It is in place, but a crash may still bring the old one back: that needs the other file.
    source.doubtful = into != number;
  }
  source.live = 0;
  target.bytes = image->bytes.size();
  target.live = image->entries.size();
  target.last_seq = std::max(target.last_seq, std::exchange(source.last_seq, 0));
  // The folder's names are durable now, with those that were not before.
  if (written) {
    for (auto& [other, segment] : segments_) segment.doubtful = false;
  }
  std::copy(image->entries.begin(), image->entries.end(), begin);
  entries_.erase(begin + static_cast<std::ptrdiff_t>(image->entries.size()), end);
  dropped_ += dropped;
  DropEmptySegments(false);
  return {};
}

// The one with the highest numbers of this boot stays unless the state file has them: they must not
// be given again.
void Spool::DropEmptySegments(bool numbers_are_saved) {
  std::uint64_t highest = 0;
  for (const auto& [number, segment] : segments_) {
    if (segment.boot_id == boot_id_) highest = std::max(highest, segment.last_seq);
  }
  for (auto it = segments_.begin(); it != segments_.end();) {
    const auto& [number, segment] = *it;
    const bool active = active_ && number == active_number_;
    const bool needed =
        !numbers_are_saved && segment.boot_id == boot_id_ && segment.last_seq == highest;
    if (segment.live != 0 || active || segment.doubtful || (needed && highest != 0)) {
      ++it;
      continue;
    }
    if (auto removed = files_.Remove(segment.path); !removed) {
      spdlog::warn("spool: {}", removed.error().message());
    }
    it = segments_.erase(it);
  }
}

}  // namespace remapfleet::agent
