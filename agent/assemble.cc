#include "agent/assemble.h"

#include <fmt/format.h>

#include "agent/allowed_devices.h"
#include "agent/posix/files.h"
#include "agent/remap/desired_store.h"
#include "support/spec_hash.h"

namespace remapfleet::agent {
namespace {

// Of this boot, and there before anything is mounted.
constexpr char kLock[] = "/run/remapfleet-assemble.lock";

bool IsPlace(const std::string& drive) { return drive.starts_with("/"); }

Assembly Waiting(const AllowedDevice& allowed, std::string why) {
  return {allowed.name, Assembly::State::kWaiting, std::move(why)};
}

Assembly Failed(const AllowedDevice& allowed, const Error& error) {
  return {allowed.name, Assembly::State::kFailed, error.message()};
}

// Nothing if the state folder is not there.
Result<std::optional<DesiredStore>> OpenPins(const Config& config, FileSystem& files) {
  const std::string folder = config.state_dir + "/desired";
  const auto there = files.List(folder);
  if (!there && there.error().code() == Code::kNotFound) return std::nullopt;
  // It is there, and what it knows must not be passed over.
  if (!there) return Fail(there.error());
  auto store = DesiredStore::Open(files, folder);
  if (!store) return Fail(store.error());
  return std::optional(std::move(*store));
}

class Run {
 public:
  Run(Assembler& assembler, DeviceGuard& guard, FindDrive find,
      const std::optional<DesiredStore>& pins)
      : assembler_(assembler), guard_(guard), find_(std::move(find)), pins_(pins) {}

  Assembly One(const AllowedDevice& allowed) {
    auto spec = SpecFromConfig(allowed, find_);
    if (!spec) {
      return spec.error().code() == Code::kNotFound ? Waiting(allowed, spec.error().message())
                                                    : Failed(allowed, spec.error());
    }
    auto layout = MakeLayout(*spec, allowed, find_);
    if (!layout) return Failed(allowed, layout.error());
    if (auto not_yet = pins_ ? CheckPinned(allowed, *layout) : CheckIds(allowed, *layout)) {
      return *not_yet;
    }
    const Status up = assembler_.BringUp(*layout, /*used_before=*/true);
    if (!up) return Failed(allowed, up.error());
    return {allowed.name, Assembly::State::kUp, ""};
  }

 private:
  std::optional<Assembly> CheckPinned(const AllowedDevice& allowed, const Layout& layout) {
    const std::string kind = "remap/" + allowed.name;
    auto pinned = pins_->Pinned(kind);
    if (!pinned) return Failed(allowed, pinned.error());
    if (!*pinned) return Waiting(allowed, "it was never up: the agent sets it up");
    const Status same = CheckPin(**pinned, layout, pins_->PinPath(kind));
    if (!same) return Failed(allowed, same.error());
    return std::nullopt;
  }

  std::optional<Assembly> CheckIds(const AllowedDevice& allowed, const Layout& layout) {
    if (IsPlace(allowed.drive) || IsPlace(allowed.spare)) {
      return Waiting(allowed,
                     "the state folder, which knows its drives, is not there yet; name them by "
                     "their ids to have it brought up before");
    }
    const Status used = guard_.CheckNotBlank(layout.spare.identity.path(), layout.spare_offset,
                                             layout.spare_length);
    if (used) return std::nullopt;
    // One that cannot be read is not blank.
    if (used.error().code() != Code::kFailedPrecondition) return Failed(allowed, used.error());
    return Waiting(allowed, "its spare is blank: the agent sets it up");
  }

  Assembler& assembler_;
  DeviceGuard& guard_;
  const FindDrive find_;
  const std::optional<DesiredStore>& pins_;
};

const char* RoleOf(const AllowedDevice& allowed, const v1::DriveIdentity& drive) {
  const auto is = [&](const std::string& name) {
    return name == drive.path() || name == drive.drive_id();
  };
  return is(allowed.drive) ? "main" : is(allowed.spare) ? "spare" : nullptr;
}

}  // namespace

std::vector<Assembly> Assemble(const Config& config, const AssemblerPorts& ports,
                               DriveSource& drives, FileSystem& files) {
  DriveTable table(drives);
  table.Rescan();
  const auto pins = OpenPins(config, files);
  Assembler assembler(ports, ModuleToLoad(config));
  std::vector<Assembly> all;
  for (const AllowedDevice& allowed : AllowedDevices(config)) {
    if (!pins) {
      all.push_back(Failed(allowed, pins.error()));
      continue;
    }
    Run run(
        assembler, ports.guard, [&](const std::string& name) { return table.ByName(name); }, *pins);
    all.push_back(run.One(allowed));
  }
  return all;
}

Result<std::vector<Assembly>> AssembleThisNode(const Config& config) {
  const auto turn = AwaitLock(kLock);
  if (!turn) return Fail(turn.error());
  const auto files = MakeFileSystem();
  // Where it is there, an agent may be at work, or come.
  Result<UniqueFd> state = UniqueFd();
  if (files->List(config.state_dir)) state = LockFolder(config.state_dir);
  if (!state && state.error().code() == Code::kFailedPrecondition) {
    return Fail(Code::kFailedPrecondition, "the agent runs, and brings devices up itself");
  }
  const auto dm = MakeDmPort();
  const auto modules = MakeModuleLoader();
  const auto guard = MakeDeviceGuard();
  const auto drives = MakeDriveSource(DriveRoots{}, config.drives_allow);
  return Assemble(config, {*dm, *modules, *guard}, *drives, *files);
}

std::string UdevProperties(const Config& config, const Drive& drive) {
  if (!IsAllowed(drive.identity, config.drives_allow)) return {};
  for (const AllowedDevice& allowed : AllowedDevices(config)) {
    const char* role = RoleOf(allowed, drive.identity);
    if (role == nullptr) continue;
    std::string lines =
        fmt::format("REMAPFLEET_DEVICE={}\nREMAPFLEET_ROLE={}\n", allowed.name, role);
    if (*role == 'm' && allowed.data_offset_sectors == 0) lines += "REMAPFLEET_HIDE=1\n";
    return lines;
  }
  return {};
}

}  // namespace remapfleet::agent
