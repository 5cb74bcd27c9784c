#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// How a drive is asked for its health.
enum class SmartAccess {
  kNone,      // a disk of the hypervisor's, a loop device: there is nobody to ask
  kAta,       // ATA commands, which the kernel or its host adapter carries through
  kNvme,      // NVMe commands
  kSmartctl,  // SAS, USB bridges, members of RAID controllers: through smartctl
};

// A disk that the kernel shows and the configuration allows, or a member of a RAID controller's
// that the configuration names.
struct Drive {
  v1::DriveIdentity identity;
  unsigned major = 0;  // 0: the kernel has no disk of its own for it
  unsigned minor = 0;
  std::uint64_t sequence = 0;  // the kernel's, other for each disk that ever was; 0: not known
  SmartAccess access = SmartAccess::kNone;
  std::string smartctl_type;  // smartctl's -d; empty: it finds out itself
  std::string problem;        // what about its identity is not as it should be; mostly empty
  std::string twin;           // the node of another drive with the same id; mostly empty
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

// A drive behind a RAID controller: `device` is the node that smartctl talks through, `type` its
// -d, such as "megaraid,4". Known by its place, until it has said who it is.
Drive MakeMember(const std::string& device, const std::string& type);

// Whether the disk at a drive's node is another one by now.
bool IsReplaced(const DriveRoots& roots, const Drive& drive);

// Notes in each drive whose id another one has, too, that it has a twin.
void MarkTwins(std::vector<Drive>& drives);

// The disks under `roots` that `allow` names, by node. Opens no device: the kernel's own records
// do.
std::vector<Drive> FindDrives(const DriveRoots& roots, const std::vector<std::string>& allow);

// One disk by its node, "/dev/sda", whatever is allowed; nothing if the kernel has no such disk.
std::optional<Drive> DriveAt(const DriveRoots& roots, const std::string& node);

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
