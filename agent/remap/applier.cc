#include "agent/remap/applier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace remapfleet::agent {
namespace {

// Blocks charged and moved at once: a crash costs no more than this of the hour's budget.
constexpr std::uint64_t kStep = 64;
// A reply for each is kept with the plan.
constexpr std::size_t kMaxQueries = 1000;

// Where ranges begin that `before` does not have, at most kMaxQueries; of all, if none is new.
std::vector<std::uint64_t> NewSectors(const v1::RemapDeviceSpec& spec,
                                      const v1::RemapDeviceSpec& before) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> known;
  for (const v1::SectorRange& range : before.remap_ranges()) {
    known.emplace(range.first_sector(), range.sector_count());
  }
  std::vector<std::uint64_t> all;
  std::vector<std::uint64_t> fresh;
  for (const v1::SectorRange& range : spec.remap_ranges()) {
    all.push_back(range.first_sector());
    if (!known.contains({range.first_sector(), range.sector_count()})) {
      fresh.push_back(range.first_sector());
    }
  }
  std::vector<std::uint64_t>& wanted = fresh.empty() ? all : fresh;
  wanted.resize(std::min(wanted.size(), kMaxQueries));
  return wanted;
}

}  // namespace

Result<Applier::Work> Applier::FindWork(const v1::RemapDeviceSpec& spec, const Layout& layout) {
  RemapDevice device(ports_.dm, layout.name);
  auto state = device.ReadState();
  if (!state) return Fail(state.error());
  std::vector<Extent> wanted;
  for (const v1::SectorRange& range : spec.remap_ranges()) {
    auto blocks =
        ToBlocks(range, layout.data_offset, state->parsed.block_size, state->target_sectors);
    if (!blocks) return Fail(blocks.error());
    wanted.push_back(*blocks);
  }
  if (wanted.empty()) return Work{{}, std::move(*state)};
  auto remapped = device.List("remaps");
  if (!remapped) return Fail(remapped.error());
  // Pending and lost ones stay what they are: the target tries them again by itself.
  std::vector<Extent> settled = std::move(*remapped);
  for (const char* what : {"pending", "lost"}) {
    auto list = device.List(what);
    if (!list) return Fail(list.error());
    settled.insert(settled.end(), list->begin(), list->end());
  }
  return Work{Subtract(Normalise(std::move(wanted)), Normalise(std::move(settled))),
              std::move(*state)};
}

Status Applier::CheckLimits(const Layout& layout, const Work& work) {
  const std::uint64_t blocks = TotalBlocks(work.missing);
  if (blocks == 0) return {};
  const std::uint64_t used = work.state.parsed.slots_used + blocks;
  if (used * 100 > work.state.parsed.slots * max_spare_percent_) {
    return Fail(Code::kResourceExhausted,
                fmt::format("{} blocks more would use {} of {} slots, this node allows {} % "
                            "(remap.max_spare_percent)",
                            blocks, used, static_cast<std::uint64_t>(work.state.parsed.slots),
                            max_spare_percent_));
  }
  return budget_.Check(layout.name, blocks, ports_.clock.Now());
}

Status Applier::Check(const v1::RemapDeviceSpec& spec, const Layout& layout) {
  auto work = FindWork(spec, layout);
  if (!work) return Fail(work.error());
  return CheckLimits(layout, *work);
}

Status Applier::ChangeSettings(const v1::RemapDeviceSpec& spec, RemapDevice& device,
                               Settings& before) {
  for (const auto& [key, value] : spec.settings()) {
    auto now = device.Get(key);
    if (!now) return Fail(now.error());
    if (*now == value) continue;
    before.emplace_back(key, *now);
    if (auto set = device.Set(key, value); !set) return set;
  }
  return {};
}

Result<std::uint64_t> Applier::Move(const Layout& layout, const std::vector<Extent>& extents,
                                    RemapDevice& device) {
  std::uint64_t moved = 0;
  for (const Extent& extent : extents) {
    for (std::uint64_t first = extent.first; first < extent.end(); first += kStep) {
      const Extent step{first, std::min(kStep, extent.end() - first)};
      if (auto charged = budget_.Charge(layout.name, step.count, ports_.clock.Now()); !charged) {
        return Fail(charged.error());
      }
      auto done = device.Remap(step);
      if (!done) return Fail(done.error());
      moved += *done;
    }
  }
  return moved;
}

Result<v1::ReadBack> Applier::Apply(const v1::RemapDeviceSpec& spec, const Layout& layout,
                                    const v1::RemapDeviceSpec& before) {
  auto work = FindWork(spec, layout);
  if (!work) return Fail(work.error());
  if (auto allowed = CheckLimits(layout, *work); !allowed) return Fail(allowed.error());
  RemapDevice device(ports_.dm, layout.name);
  Settings settings_before;
  std::uint64_t moved = 0;
  Status done = ChangeSettings(spec, device, settings_before);
  if (done) {
    auto result = Move(layout, work->missing, device);
    if (result)
      moved = *result;
    else
      done = Fail(result.error());
  }
  auto read_back =
      done ? Confirm(spec, layout, before, device) : Result<v1::ReadBack>(Fail(done.error()));
  if (read_back) {
    read_back->set_blocks_remapped(moved);
    return read_back;
  }
  for (const auto& [key, value] : settings_before) {
    if (auto restored = device.Set(key, value); !restored) {
      spdlog::error("remap {}: {} cannot be set back to {}: {}", layout.name, key, value,
                    restored.error().message());
    }
  }
  return read_back;
}

// The kernel's own words, and whether they are what was asked for.
Result<v1::ReadBack> Applier::Confirm(const v1::RemapDeviceSpec& spec, const Layout& layout,
                                      const v1::RemapDeviceSpec& before, RemapDevice& device) {
  if (auto table = assembler_.CheckTable(layout); !table) return Fail(table.error());
  for (const auto& [key, value] : spec.settings()) {
    auto now = device.Get(key);
    if (!now) return Fail(now.error());
    if (*now != value) {
      return Fail(Code::kAborted, fmt::format("{} is {} after it was set to {}", key, *now, value));
    }
  }
  auto left = FindWork(spec, layout);
  if (!left) return Fail(left.error());
  if (!left->missing.empty()) {
    return Fail(Code::kAborted,
                fmt::format("{} blocks from block {} on are not on slots after they were moved",
                            TotalBlocks(left->missing), left->missing.front().first));
  }
  v1::ReadBack read_back;
  auto table = device.TableLine();
  if (!table) return Fail(table.error());
  read_back.set_table(*table);
  read_back.set_status(left->state.line);
  for (const std::uint64_t sector : NewSectors(spec, before)) {
    auto answer = device.Query(sector - layout.data_offset);
    if (!answer) return Fail(answer.error());
    *read_back.add_queries() = *answer;
  }
  *read_back.mutable_time() = ToProto(ports_.clock.Now());
  return read_back;
}

}  // namespace remapfleet::agent
