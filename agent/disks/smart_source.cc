#include "agent/disks/smart_source.h"

#include <filesystem>

#include "agent/disks/ata_logs.h"
#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

// Asks each drive in its own language.
class SmartSources final : public SmartSource {
 public:
  SmartSources(SmartctlOptions options, std::string sys)
      : smartctl_(MakeSmartctlSource(options)),
        ata_logs_(std::move(options)),
        sys_(std::move(sys)) {}

  void Read(const Drive& drive, v1::DriveHealth& health) override {
    if (drive.major != 0 && IsSuspended(drive)) {
      return health.set_power_state(v1::DriveHealth::POWER_STATE_STANDBY);
    }
    Ask(drive, health);
    if (!IsReplaced({.sys = sys_}, drive)) return;
    // What was read may be the other one's.
    health.Clear();
    *health.mutable_drive() = drive.identity;
    health.add_problems("it has gone while it was being read");
  }

 private:
  void Ask(const Drive& drive, v1::DriveHealth& health) {
    switch (drive.access) {
      case SmartAccess::kAta:
        ata_->Read(drive, health);
        if (health.power_state() == v1::DriveHealth::POWER_STATE_STANDBY) return;
        return ata_logs_.Fill(drive, health, std::chrono::steady_clock::now());
      case SmartAccess::kNvme:
        return nvme_->Read(drive, health);
      case SmartAccess::kSmartctl:
        return smartctl_->Read(drive, health);
      case SmartAccess::kNone:
        health.add_problems("a disk of this kind does not say how it is");
    }
  }

  // Where the kernel itself has put the disk to sleep, even to open it would wake it.
  bool IsSuspended(const Drive& drive) const {
    const std::string name = std::filesystem::path(drive.identity.path()).filename();
    return ReadTrimmed(sys_ + "/block/" + name + "/device/power/runtime_status") == "suspended";
  }

  const std::unique_ptr<SmartSource> ata_ = MakeAtaSmartSource();
  const std::unique_ptr<SmartSource> nvme_ = MakeNvmeSmartSource();
  const std::unique_ptr<SmartSource> smartctl_;
  AtaLogs ata_logs_;
  const std::string sys_;
};

}  // namespace

std::unique_ptr<SmartSource> MakeSmartSource(SmartctlOptions options, std::string sys) {
  return std::make_unique<SmartSources>(std::move(options), std::move(sys));
}

}  // namespace remapfleet::agent
