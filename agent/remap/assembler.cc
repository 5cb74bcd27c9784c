#include "agent/remap/assembler.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace remapfleet::agent {
namespace {

std::string UuidOf(const Layout& layout) { return "REMAPFLEET-" + layout.name; }

}  // namespace

// The configuration may name a drive by its place, where another one may stand today.
Status CheckPin(const v1::RemapDeviceSpec& pinned, const Layout& layout,
                const std::string& pin_path) {
  const v1::DriveIdentity& main = layout.main.identity;
  const v1::DriveIdentity& spare = layout.spare.identity;
  if (pinned.drive_id() == main.drive_id() && pinned.expected_serial() == main.serial() &&
      pinned.spare_drive_id() == spare.drive_id()) {
    return {};
  }
  return Fail(Code::kFailedPrecondition,
              fmt::format("{} was set up on drive {} with spare {}, and now finds drive {} and "
                          "spare {}; if that is meant, move {} away",
                          layout.name, pinned.drive_id(), pinned.spare_drive_id(), main.drive_id(),
                          spare.drive_id(), pin_path));
}

Status Assembler::CheckDevices(const Layout& layout, bool used_before) {
  const std::string& main = layout.main.identity.path();
  const std::string& spare = layout.spare.identity.path();
  if (auto free = ports_.guard.CheckUnused(main); !free) return free;
  if (auto free = ports_.guard.CheckUnused(spare); !free) return free;
  if (auto empty = ports_.guard.CheckNoForeignData(spare, layout.spare_offset); !empty) {
    return empty;
  }
  // An area in the middle of a disk may lie in the middle of what begins at the disk's start.
  if (layout.spare_offset != 0) {
    if (auto empty = ports_.guard.CheckNoForeignData(spare, 0); !empty) return empty;
  }
  if (used_before) {
    auto holds = ports_.guard.CheckNotBlank(spare, layout.spare_offset, layout.spare_length);
    if (holds) return {};
    return Fail(std::move(holds.error())
                    .Because(fmt::format("the spare of {} was in use and has lost its mappings: "
                                         "blocks that were on it would read as what they were "
                                         "before",
                                         layout.name)));
  }
  // The signature goes there: only a disk that is adopted in place may hold data.
  if (layout.data_offset != 0) return ports_.guard.CheckNoForeignData(main, 0);
  return {};
}

Status Assembler::CreateNew(const Layout& layout, bool used_before) {
  if (!module_.empty()) {
    if (auto loaded = ports_.modules.Load(module_); !loaded) return loaded;
  }
  if (auto good = CheckDevices(layout, used_before); !good) return good;
  auto created = ports_.dm.Create(layout.name, UuidOf(layout), layout.Table());
  if (created) {
    spdlog::info("remap {}: created on {} with spare {}", layout.name, layout.main.identity.path(),
                 layout.spare.identity.path());
  }
  return created;
}

Status Assembler::CheckTable(const Layout& layout) {
  auto live = ports_.dm.Table(layout.name);
  if (!live) return Fail(live.error());
  if (layout.Matches(*live)) return {};
  return Fail(Code::kFailedPrecondition,
              fmt::format("{} exists with another table, \"{} {} {}\" and not \"{} {}\": it is not "
                          "changed while it is up",
                          layout.name, live->length, live->type, live->params,
                          layout.target_sectors, layout.Table().params));
}

Status Assembler::BringUp(const Layout& layout, bool used_before) {
  auto info = ports_.dm.Info(layout.name);
  if (!info) return Fail(info.error());
  if (!*info) {
    if (auto created = CreateNew(layout, used_before); !created) return created;
    return CheckTable(layout);
  }
  if ((*info)->live_table) {
    if (auto same = CheckTable(layout); !same) return same;
    if (!(*info)->suspended) return {};
  } else {
    // Left by a creation that was cut off, or somebody else's.
    if ((*info)->uuid != UuidOf(layout)) {
      return Fail(Code::kFailedPrecondition,
                  fmt::format("a device-mapper device {} exists without a table and is not this "
                              "agent's (uuid \"{}\")",
                              layout.name, (*info)->uuid));
    }
    if (auto good = CheckDevices(layout, used_before); !good) return good;
    if (auto loaded = ports_.dm.Load(layout.name, layout.Table()); !loaded) return loaded;
  }
  spdlog::info("remap {}: resuming", layout.name);
  if (auto resumed = ports_.dm.Resume(layout.name); !resumed) return resumed;
  // Somebody may have loaded another table meanwhile.
  return CheckTable(layout);
}

bool Assembler::IsGone(const std::string& name) {
  const auto info = ports_.dm.Info(name);
  return info && !*info;
}

}  // namespace remapfleet::agent
