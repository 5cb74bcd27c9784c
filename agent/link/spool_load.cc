// What the spool does when it is opened: finds what the last run left.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "agent/link/spool.h"

namespace remapfleet::agent {
namespace {

// More than a segment of any size can hold.
constexpr std::uint64_t kMostNumbers = 1 << 28;
constexpr std::size_t kReserve = 8192;

}  // namespace

Spool::Spool(FileSystem& files, std::string folder, std::string boot_id, std::uint64_t max_bytes)
    : files_(files),
      folder_(std::move(folder)),
      boot_id_(std::move(boot_id)),
      max_bytes_(max_bytes) {}

Result<std::unique_ptr<Spool>> Spool::Open(FileSystem& files, const std::string& folder,
                                           const std::string& boot_id, std::uint64_t max_bytes) {
  if (auto made = files.MakeFolder(folder); !made) return Fail(made.error());
  std::unique_ptr<Spool> spool(new Spool(files, folder, boot_id, max_bytes));
  if (auto loaded = spool->Load(); !loaded) return Fail(loaded.error());
  return spool;
}

Status Spool::Load() {
  const auto names = files_.List(folder_);
  if (!names) return Fail(names.error());
  std::map<std::uint32_t, std::string> found;
  for (const std::string& name : *names) {
    const std::string path = folder_ + "/" + name;
    // What a crash left of a file that was to replace another one.
    if (name.ends_with(".tmp")) {
      if (auto removed = files_.Remove(path); !removed) {
        spdlog::warn("spool: {}", removed.error().message());
      }
      continue;
    }
    if (name.find(".seg") == std::string::npos) continue;
    const auto number = static_cast<std::uint32_t>(std::strtoul(name.c_str(), nullptr, 10));
    // Damaged ones keep their names: no new one may take them.
    next_segment_ = std::max(next_segment_, number + 1);
    if (name.ends_with(".seg")) found.emplace(number, path);
  }
  if (auto loaded = LoadState(); !loaded) return loaded;
  for (const auto& [number, path] : found) {
    if (auto loaded = LoadSegment(number, path); !loaded) return loaded;
  }
  loaded_seqs_.clear();
  KeepReserve();
  DropEmptySegments(true);
  if (damaged_ == 0) return {};
  v1::Record record;
  record.mutable_gap()->set_reason("the agent's spool was damaged on disk: records were lost");
  // On a full disk it is said here only.
  if (auto told = AppendLocked({record}); !told) spdlog::error("spool: {}", told.error().message());
  return {};
}

// Its numbers may be known to the controller: none of them may be given again.
Status Spool::SetAside(const std::string& path, const std::string& why) {
  spdlog::error("spool: {}: {}, set aside as {}.damaged", path, why, path);
  ++damaged_;
  next_seq_ += kMostNumbers;
  return files_.Rename(path, path + ".damaged");
}

Status Spool::LoadSegment(std::uint32_t number, const std::string& path) {
  const auto bytes = files_.Read(path);
  if (!bytes) return SetAside(path, bytes.error().message());
  const auto parsed = ParseSegment(*bytes);
  if (!parsed && bytes->size() <= kSegmentHeader) {
    // Torn while it was made: nothing was ever sent from it.
    spdlog::warn("spool: {}: {}, dropped", path, parsed.error().message());
    return files_.Remove(path);
  }
  if (!parsed) return SetAside(path, parsed.error().message());
  if (parsed->damaged_frames != 0) {
    spdlog::error("spool: {}: {} records are damaged", path, parsed->damaged_frames);
    damaged_ += parsed->damaged_frames;
  }
  const std::uint64_t torn = bytes->size() - parsed->valid_bytes;
  if (torn != 0) spdlog::warn("spool: {}: {} torn bytes at the end are left out", path, torn);
  const bool same_boot = parsed->boot_id == boot_id_;
  Segment& segment = segments_[number];
  segment = {path, parsed->boot_id, bytes->size(), 0, 0, false};
  for (const Frame& frame : parsed->frames) {
    segment.last_seq = std::max(segment.last_seq, frame.seq);
    // What an earlier segment took in, before this one came back or could be removed.
    std::uint64_t& loaded = loaded_seqs_[parsed->boot_id];
    if (frame.seq <= std::exchange(loaded, std::max(loaded, frame.seq))) continue;
    if (same_boot) next_seq_ = std::max(next_seq_, frame.seq + 1);
    if (same_boot && frame.seq <= last_acked_) continue;
    v1::Record record;
    if (!record.ParseFromArray(bytes->data() + frame.offset, static_cast<int>(frame.size))) {
      return Fail(Code::kDataLoss, path + ": a record with a good checksum does not parse");
    }
    const Kind kind = KindOf(record);
    if (kind == Kind::kInventory) newest_inventory_ = next_cursor_;
    entries_.push_back({next_cursor_++, frame.seq, number, static_cast<std::uint32_t>(frame.offset),
                        frame.size, kind});
    ++segment.live;
  }
  // Frames may have stood there, too.
  if (same_boot) next_seq_ += torn / kFrameHeader;
  return {};
}

// One line: boot id, highest number given, highest number acknowledged.
Status Spool::LoadState() {
  const auto text = files_.Read(folder_ + "/state");
  if (!text && text.error().code() == Code::kNotFound) return {};
  if (!text) return Fail(text.error());
  char boot[64] = {};
  unsigned long long last = 0;
  unsigned long long acked = 0;
  if (std::sscanf(text->c_str(), "%63s %llu %llu", boot, &last, &acked) != 3) {
    return Fail(Code::kDataLoss, folder_ + "/state: damaged; move it away to start afresh");
  }
  if (boot_id_ != boot) return {};
  fresh_ = false;
  next_seq_ = last + 1;
  last_acked_ = acked;
  return {};
}

Status Spool::SaveState() {
  const std::string state = fmt::format("{} {} {}\n", boot_id_, next_seq_ - 1, last_acked_);
  const std::string path = folder_ + "/state";
  Status saved = files_.WriteDurably(path, state);
  if (saved || !has_reserve_) return saved;
  has_reserve_ = false;
  if (auto removed = files_.Remove(folder_ + "/reserve"); !removed) return saved;
  return files_.WriteDurably(path, state);
}

// Room for the state on a disk that is full: without it nothing could be sent, and nothing deleted.
void Spool::KeepReserve() {
  if (has_reserve_) return;
  const std::string path = folder_ + "/reserve";
  has_reserve_ =
      files_.ReadAt(path, 0, kReserve) || files_.WriteDurably(path, std::string(kReserve, 'x'));
}

}  // namespace remapfleet::agent
