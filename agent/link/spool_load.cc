// What the spool does when it is opened: finds what the last run left.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "agent/link/spool.h"

namespace remapfleet::agent {

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
  std::map<std::uint64_t, std::string> found;
  for (const std::string& name : *names) {
    const std::uint64_t number = std::strtoull(name.c_str(), nullptr, 10);
    if (name.find(".seg") == std::string::npos) continue;
    // Damaged ones keep their names: no new one may take them.
    next_segment_ = std::max(next_segment_, number + 1);
    if (name.ends_with(".seg")) found.emplace(number, folder_ + "/" + name);
  }
  if (auto loaded = LoadState(); !loaded) return loaded;
  for (const auto& [number, path] : found) {
    if (auto loaded = LoadSegment(number, path); !loaded) return loaded;
  }
  DropEmptySegments();
  if (damaged_ == 0) return {};
  v1::Record record;
  record.mutable_gap()->set_reason("the agent's spool was damaged on disk: records were lost");
  return AppendLocked({record});
}

Status Spool::LoadSegment(std::uint64_t number, const std::string& path) {
  const auto bytes = files_.Read(path);
  if (!bytes) return Fail(bytes.error());
  const auto parsed = ParseSegment(*bytes);
  if (!parsed && bytes->size() <= kSegmentHeader) {
    // Torn while it was made: nothing was ever sent from it.
    spdlog::warn("spool: {}: {}, dropped", path, parsed.error().message());
    return files_.Remove(path);
  }
  if (!parsed) {
    spdlog::error("spool: {}: {}, set aside as {}.damaged", path, parsed.error().message(), path);
    ++damaged_;
    return files_.Rename(path, path + ".damaged");
  }
  if (parsed->damaged_frames != 0) {
    spdlog::error("spool: {}: {} records are damaged", path, parsed->damaged_frames);
    damaged_ += parsed->damaged_frames;
  }
  if (parsed->valid_bytes != bytes->size()) {
    spdlog::warn("spool: {}: {} torn bytes at the end are left out", path,
                 bytes->size() - parsed->valid_bytes);
  }
  const bool same_boot = parsed->boot_id == boot_id_;
  Segment& segment = segments_[number];
  segment = {path, parsed->boot_id, bytes->size(), 0};
  for (const Frame& frame : parsed->frames) {
    v1::Record record;
    if (!record.ParseFromArray(bytes->data() + frame.offset, static_cast<int>(frame.size))) {
      return Fail(Code::kDataLoss, path + ": a record with a good checksum does not parse");
    }
    if (same_boot) {
      next_seq_ = std::max(next_seq_, frame.seq + 1);
      if (frame.seq <= last_acked_) continue;
    }
    entries_.push_back({next_cursor_++, number, frame, record.has_outcome()});
    ++segment.live;
  }
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
  return files_.WriteDurably(folder_ + "/state",
                             fmt::format("{} {} {}\n", boot_id_, next_seq_ - 1, last_acked_));
}

}  // namespace remapfleet::agent
