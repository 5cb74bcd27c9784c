#include "agent/remap/applier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace remapfleet::agent {

Status Applier::CreateNew(const Layout& layout) {
  if (limits_.load_module) {
    if (auto loaded = ports_.modules.Load(limits_.module); !loaded) return loaded;
  }
  const std::string& spare = layout.spare.identity.path();
  if (auto free = ports_.guard.CheckUnused(layout.main.identity.path()); !free) return free;
  if (auto free = ports_.guard.CheckUnused(spare); !free) return free;
  if (auto empty = ports_.guard.CheckNoForeignData(spare, layout.spare_offset); !empty) {
    return empty;
  }
  auto created = ports_.dm.Create(layout.name, "REMAPFLEET-" + layout.name, layout.Table());
  if (created) {
    spdlog::info("remap {}: created on {} with spare {}", layout.name, layout.main.identity.path(),
                 spare);
  }
  return created;
}

Status Applier::BringUp(const Layout& layout) {
  auto info = ports_.dm.Info(layout.name);
  if (!info) return Fail(info.error());
  if (!*info) return CreateNew(layout);
  if ((*info)->live_table) {
    auto live = ports_.dm.Table(layout.name);
    if (!live) return Fail(live.error());
    if (!layout.Matches(*live)) {
      return Fail(
          Code::kFailedPrecondition,
          fmt::format("{} exists with another table, \"{} {}\" and not \"{} {}\": it is not "
                      "changed while it is up",
                      layout.name, live->length, live->params, layout.target_sectors,
                      layout.Table().params));
    }
    if (!(*info)->suspended) return {};
  } else if (auto loaded = ports_.dm.Load(layout.name, layout.Table()); !loaded) {
    return loaded;
  }
  spdlog::info("remap {}: resuming", layout.name);
  return ports_.dm.Resume(layout.name);
}

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

Status Applier::CheckLimits(const Work& work) const {
  const std::uint64_t blocks = TotalBlocks(work.missing);
  if (blocks == 0) return {};
  const std::uint64_t used = work.state.parsed.slots_used + blocks;
  if (used * 100 > work.state.parsed.slots * limits_.max_spare_percent) {
    return Fail(Code::kResourceExhausted,
                fmt::format("{} blocks more would use {} of {} slots, this node allows {} % "
                            "(remap.max_spare_percent)",
                            blocks, used, static_cast<std::uint64_t>(work.state.parsed.slots),
                            limits_.max_spare_percent));
  }
  return budget_.Check(blocks, ports_.clock.Now());
}

Status Applier::Check(const v1::RemapDeviceSpec& spec, const Layout& layout) {
  auto work = FindWork(spec, layout);
  if (!work) return Fail(work.error());
  return CheckLimits(*work);
}

Result<v1::ReadBack> Applier::Apply(const v1::RemapDeviceSpec& spec, const Layout& layout) {
  auto work = FindWork(spec, layout);
  if (!work) return Fail(work.error());
  if (auto allowed = CheckLimits(*work); !allowed) return Fail(allowed.error());
  RemapDevice device(ports_.dm, layout.name);
  for (const auto& [key, value] : spec.settings()) {
    if (auto set = device.Set(key, value); !set) return Fail(set.error());
  }
  if (!work->missing.empty()) {
    if (auto charged = budget_.Charge(TotalBlocks(work->missing), ports_.clock.Now()); !charged) {
      return Fail(charged.error());
    }
  }
  std::uint64_t moved = 0;
  for (const Extent& extent : work->missing) {
    auto done = device.Remap(extent);
    if (!done) return Fail(done.error());
    moved += *done;
  }
  auto read_back = ReadBackOf(spec, layout);
  if (read_back) read_back->set_blocks_remapped(moved);
  return read_back;
}

Result<v1::ReadBack> Applier::ReadBackOf(const v1::RemapDeviceSpec& spec, const Layout& layout) {
  RemapDevice device(ports_.dm, layout.name);
  v1::ReadBack read_back;
  auto table = device.TableLine();
  if (!table) return Fail(table.error());
  read_back.set_table(*table);
  auto state = device.ReadState();
  if (!state) return Fail(state.error());
  read_back.set_status(state->line);
  for (const v1::SectorRange& range : spec.remap_ranges()) {
    auto answer = device.Query(range.first_sector() - layout.data_offset);
    if (!answer) return Fail(answer.error());
    *read_back.add_queries() = *answer;
  }
  *read_back.mutable_time() = ToProto(ports_.clock.Now());
  return read_back;
}

}  // namespace remapfleet::agent
