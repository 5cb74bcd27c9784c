#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/faults/stat_source.h"
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

// Every drive answers at once, but those that a test has made hang. Thread-safe.
class FakeSmart final : public SmartSource {
 public:
  void Read(const Drive& drive, v1::DriveHealth& health) override {
    std::unique_lock lock(mutex_);
    ++reads_[drive.identity.path()];
    changed_.notify_all();
    changed_.wait(lock, [&] { return !hanging_.contains(drive.identity.path()); });
    health.set_power_on_hours(1000);
    const auto self = identities_.find(drive.identity.path());
    if (self != identities_.end()) *health.mutable_drive() = self->second;
  }
  // What the drive at a path says that it is.
  void SetIdentity(const std::string& path, v1::DriveIdentity identity) {
    const std::lock_guard lock(mutex_);
    identities_[path] = std::move(identity);
  }
  unsigned reads(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return reads_[path];
  }
  void Hang(const std::string& path) {
    const std::lock_guard lock(mutex_);
    hanging_.insert(path);
  }
  void Release(const std::string& path) {
    const std::lock_guard lock(mutex_);
    hanging_.erase(path);
    changed_.notify_all();
  }
  // Waits until a drive was asked so often in all.
  void AwaitReads(const std::string& path, unsigned reads) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reads_[path] >= reads; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, unsigned> reads_;
  std::map<std::string, v1::DriveIdentity> identities_;
  std::set<std::string> hanging_;
};

// What the block layer counts. A drive of which a test has said nothing cannot be read.
// Thread-safe.
class FakeStats final : public StatSource {
 public:
  Result<StatReading> Read(const Drive& drive) override {
    const std::lock_guard lock(mutex_);
    const auto found = readings_.find(drive.identity.path());
    if (found == readings_.end()) return Fail(Code::kNotFound, drive.identity.path());
    const StatReading reading = found->second;
    found->second.stat.reads += reads_;
    found->second.stat.read_ms += reads_ * 2;
    return reading;
  }
  void Set(const std::string& path, StatReading reading) {
    const std::lock_guard lock(mutex_);
    readings_[path] = reading;
  }
  // Each drive does so many reads from one look to the next, of 2 ms.
  void KeepReading(std::uint64_t reads) {
    const std::lock_guard lock(mutex_);
    reads_ = reads;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, StatReading> readings_;
  std::uint64_t reads_ = 0;
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
    if (unreadable.contains(path)) return Fail(Code::kDataLoss, path + " cannot be read");
    return Check(blank, path, "is blank");
  }
  std::set<std::string> used;
  std::set<std::string> foreign;
  std::set<std::string> blank;
  std::set<std::string> unreadable;  // where it is looked whether it is blank

 private:
  static Status Check(const std::set<std::string>& bad, const std::string& path, const char* why) {
    if (bad.count(path) == 0) return {};
    return Fail(Code::kFailedPrecondition, path + " " + why);
  }
};

}  // namespace remapfleet::agent
