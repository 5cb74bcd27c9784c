#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/remap/device_guard.h"
#include "agent/remap/module_loader.h"
#include "support/clock.h"

namespace remapfleet::agent {

// Time stands still until a test moves it. Thread-safe.
class FakeClock final : public Clock {
 public:
  TimePoint Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void Advance(std::chrono::microseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_{std::chrono::hours(500'000)};
};

// A drive of `sectors` sectors, by its kernel name and number.
inline Drive MakeFakeDrive(const std::string& name, unsigned minor, const std::string& serial,
                           std::uint64_t sectors) {
  Drive drive;
  drive.identity.set_path("/dev/" + name);
  drive.identity.set_model("FAKE");
  drive.identity.set_serial(serial);
  drive.identity.set_size_bytes(sectors * 512);
  drive.identity.set_logical_block_bytes(512);
  drive.identity.set_physical_block_bytes(4096);
  drive.identity.set_drive_id(MakeDriveId(drive.identity, name));
  drive.major = 8;
  drive.minor = minor;
  return drive;
}

class FakeDrives final : public DriveSource {
 public:
  std::vector<Drive> Find() override {
    const std::lock_guard lock(mutex_);
    ++finds_;
    found_.notify_all();
    return drives_;
  }
  unsigned finds() const {
    const std::lock_guard lock(mutex_);
    return finds_;
  }
  void AwaitFinds(unsigned finds) {
    std::unique_lock lock(mutex_);
    found_.wait(lock, [&] { return finds_ >= finds; });
  }
  void Set(std::vector<Drive> drives) {
    const std::lock_guard lock(mutex_);
    drives_ = std::move(drives);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable found_;
  unsigned finds_ = 0;  // how often somebody has looked
  std::vector<Drive> drives_;
};

class FakeSmart final : public SmartSource {
 public:
  void Read(const std::string&, v1::DriveHealth& health) override {
    health.set_power_on_hours(1000);
  }
};

class FakeModules final : public ModuleLoader {
 public:
  Status Load(const std::string& module) override {
    if (!fails.empty()) return Fail(Code::kNotFound, module + ": " + fails);
    ++loads;
    return {};
  }
  std::string fails;
  int loads = 0;
};

// Devices by their nodes. Nothing is used, holds foreign data or is blank unless a test says so.
class FakeGuard final : public DeviceGuard {
 public:
  Status CheckUnused(const std::string& path) override { return Check(used, path, "is in use"); }
  Status CheckNoForeignData(const std::string& path, std::uint64_t sector) override {
    return Check(foreign, path + "@" + std::to_string(sector), "holds ext4");
  }
  Status CheckNotBlank(const std::string& path, std::uint64_t, std::uint64_t) override {
    return Check(blank, path, "is blank");
  }
  std::set<std::string> used;
  std::set<std::string> foreign;
  std::set<std::string> blank;

 private:
  static Status Check(const std::set<std::string>& bad, const std::string& path, const char* why) {
    if (bad.count(path) == 0) return {};
    return Fail(Code::kFailedPrecondition, path + " " + why);
  }
};

}  // namespace remapfleet::agent
