#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/remap/reconciler.h"
#include "support/spec_hash.h"
#include "tests/fakes/fake_dm.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_world.h"
#include "tests/fakes/faulty.h"

namespace remapfleet::agent {

// One storage node for tests of the reconciler: what lasts (disks, files, time) and what a restart
// makes anew. data0 lies on sda, its slots on sdb.
class Node {
 public:
  static constexpr char kMain[] = "8:0";
  static constexpr char kSpare[] = "8:16";

  Node() {
    drives.Set(
        {MakeFakeDrive("sda", 0, "MAIN", 1'000'003), MakeFakeDrive("sdb", 16, "SPARE", 80'000)});
    allowed.name = "data0";
    allowed.drive = "/dev/sda";
    allowed.spare = "/dev/sdb";
  }

  // A new agent on the same node. The old one is gone, as by kill -9.
  void Start() {
    reconciler.reset();
    faulty_files = std::make_unique<FaultyFileSystem>(files, plan);
    faulty_dm = std::make_unique<FaultyDm>(dm, plan);
    auto budget =
        Budget::Open(*faulty_files, "/state/budget", {max_blocks_per_hour, max_devices_per_hour});
    auto store = DesiredStore::Open(*faulty_files, "/state/desired");
    if (!budget || !store) return;
    Applier applier({*faulty_dm, modules, guard, clock}, {"dm-remap", max_spare_percent},
                    std::move(*budget));
    const auto find = [this](const std::string& name) -> std::optional<Drive> {
      auto found = drives.Find();
      MarkTwins(found);
      for (const Drive& drive : found) {
        if (drive.identity.drive_id() == name || drive.identity.path() == name) return drive;
      }
      return std::nullopt;
    };
    reconciler = std::make_unique<Reconciler>(std::move(applier), std::move(*store),
                                              std::vector<AllowedDevice>{allowed}, find, clock,
                                              [this](const v1::Outcome& outcome) {
                                                return plan.Do("report", [&]() -> Status {
                                                  outcomes.push_back(outcome);
                                                  return {};
                                                });
                                              });
    reconciler->Start();
  }

  v1::Desired Desire(std::uint64_t generation,
                     const std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges,
                     const std::vector<std::pair<std::string, std::string>>& settings = {}) const {
    v1::Desired desired;
    desired.set_kind("remap/data0");
    desired.set_generation(generation);
    desired.set_nonce("n" + std::to_string(generation));
    v1::RemapDeviceSpec& spec = *desired.mutable_remap_device();
    spec.set_device_name("data0");
    spec.set_drive_id("serial-FAKE-MAIN");
    spec.set_expected_serial("MAIN");
    spec.set_spare_drive_id("serial-FAKE-SPARE");
    spec.set_spare_length_sectors(80'000);
    for (const auto& [first, count] : ranges) {
      v1::SectorRange& range = *spec.add_remap_ranges();
      range.set_first_sector(first);
      range.set_sector_count(count);
    }
    for (const auto& [key, value] : settings) (*spec.mutable_settings())[key] = value;
    desired.set_spec_sha256(SpecHash(spec));
    return desired;
  }

  void Handle(const v1::Desired& desired) { reconciler->Handle(desired); }

  // The outcomes since the last call, as "2:ACCEPTED 2:APPLIED".
  std::string Said() {
    std::string text;
    for (const v1::Outcome& outcome : outcomes) {
      text += (text.empty() ? "" : " ") + std::to_string(outcome.generation()) + ":" +
              v1::Outcome::Stage_Name(outcome.stage()).substr(6);
    }
    if (!outcomes.empty()) last = outcomes.back();
    outcomes.clear();
    return text;
  }
  std::set<std::uint64_t> Remapped() { return dm.SpareOn(kSpare).remapped; }
  bool Live() { return dm.Table("data0").has_value(); }

  FakeFileSystem files;
  FakeDm dm;
  FakeModules modules;
  FakeGuard guard;
  FakeClock clock;
  FakeDrives drives;
  FaultPlan plan;
  AllowedDevice allowed;
  std::uint64_t max_blocks_per_hour = 1000;
  std::uint64_t max_devices_per_hour = 4;
  unsigned max_spare_percent = 80;
  std::vector<v1::Outcome> outcomes;
  v1::Outcome last;  // of the last `Said`

  std::unique_ptr<FaultyFileSystem> faulty_files;
  std::unique_ptr<FaultyDm> faulty_dm;
  std::unique_ptr<Reconciler> reconciler;
};

}  // namespace remapfleet::agent
