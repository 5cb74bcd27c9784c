#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// A disk that the kernel shows and the configuration allows.
struct Drive {
  v1::DriveIdentity identity;
  unsigned major = 0;
  unsigned minor = 0;
  std::string problem;  // what about its identity is not as it should be; mostly empty
  std::string twin;     // the node of another drive with the same id; mostly empty
};

// Where to look: other folders than these in tests only.
struct DriveRoots {
  std::string sys = "/sys";
  std::string dev = "/dev";
};

// "wwn-0x…", else "serial-<model>-<serial>" with each character outside [A-Za-z0-9._-] as '_', else
// "path-<fallback>".
std::string MakeDriveId(const v1::DriveIdentity& identity, const std::string& fallback);

// True if a glob of `allow` matches the device node or the drive id.
bool IsAllowed(const v1::DriveIdentity& identity, const std::vector<std::string>& allow);

// Notes in each drive whose id another one has, too, that it has a twin.
void MarkTwins(std::vector<Drive>& drives);

// The disks under `roots` that `allow` names, by node. Opens no device: the kernel's own records
// do.
std::vector<Drive> FindDrives(const DriveRoots& roots, const std::vector<std::string>& allow);

// What disks there are now. Thread-safe.
class DriveSource {
 public:
  virtual ~DriveSource() = default;
  virtual std::vector<Drive> Find() = 0;
};
std::unique_ptr<DriveSource> MakeDriveSource(DriveRoots roots, std::vector<std::string> allow);

// The newest scan, twins marked, shared between threads.
class DriveTable {
 public:
  explicit DriveTable(DriveSource& source) : source_(source) {}

  void Rescan();
  std::vector<Drive> All() const;
  std::optional<Drive> ByNumber(unsigned major, unsigned minor) const;
  // By drive id or device node.
  std::optional<Drive> ByName(const std::string& name) const;

 private:
  DriveSource& source_;
  mutable std::mutex mutex_;
  std::vector<Drive> drives_;
};

}  // namespace remapfleet::agent
