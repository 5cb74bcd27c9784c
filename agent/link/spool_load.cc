// What the spool does when it is opened: finds what the last run left.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "agent/link/spool.h"
#include "agent/posix/files.h"

namespace remapfleet::agent {

Spool::Spool(std::string folder, std::string boot_id, std::uint64_t max_bytes)
    : folder_(std::move(folder)), boot_id_(std::move(boot_id)), max_bytes_(max_bytes) {}

Result<std::unique_ptr<Spool>> Spool::Open(const std::string& folder, const std::string& boot_id,
                                           std::uint64_t max_bytes) {
  if (auto made = MakeFolder(folder); !made) return Fail(made.error());
  std::unique_ptr<Spool> spool(new Spool(folder, boot_id, max_bytes));
  if (auto loaded = spool->Load(); !loaded) return Fail(loaded.error());
  return spool;
}

Status Spool::Load() {
  std::map<std::uint64_t, std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".seg") continue;
    found.emplace(std::strtoull(entry.path().stem().c_str(), nullptr, 10), entry.path());
  }
  if (error) return Fail(Error::FromErrno(error.value(), folder_));
  if (auto loaded = LoadState(); !loaded) return loaded;
  for (const auto& [number, path] : found) {
    next_segment_ = number + 1;
    if (auto loaded = LoadSegment(number, path); !loaded) return loaded;
  }
  DropEmptySegments();
  return {};
}

Status Spool::LoadSegment(std::uint64_t number, const std::string& path) {
  auto bytes = ReadFile(path);
  if (!bytes) return Fail(bytes.error());
  auto parsed = ParseSegment(*bytes);
  if (!parsed) {
    // Torn while it was made: nothing was ever sent from it.
    spdlog::warn("spool: {}: {}, dropped", path, parsed.error().message());
    unlink(path.c_str());
    return {};
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
  const auto text = ReadFile(folder_ + "/state");
  if (!text) return {};
  char boot[64] = {};
  unsigned long long last = 0;
  unsigned long long acked = 0;
  if (std::sscanf(text->c_str(), "%63s %llu %llu", boot, &last, &acked) != 3) {
    return Fail(Code::kDataLoss, folder_ + "/state: damaged; move it away to start afresh");
  }
  if (boot_id_ != boot) return {};
  next_seq_ = last + 1;
  last_acked_ = acked;
  return {};
}

Status Spool::SaveState() {
  return WriteFileDurably(folder_ + "/state",
                          fmt::format("{} {} {}\n", boot_id_, next_seq_ - 1, last_acked_));
}

}  // namespace remapfleet::agent
