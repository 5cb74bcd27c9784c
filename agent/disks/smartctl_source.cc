#include <fmt/format.h>

#include "agent/disks/smart_source.h"
#include "agent/disks/smartctl_command.h"
#include "agent/disks/smartctl_json.h"
#include "agent/posix/run_program.h"

namespace remapfleet::agent {
namespace {

// What the kernel knows of a drive stays: errors are reported by that name. A member that the
// kernel has no disk for is who smartctl says it is.
void Take(v1::DriveHealth read, const Drive& drive, v1::DriveHealth& health) {
  v1::DriveIdentity identity = drive.identity;
  const v1::DriveIdentity& said = read.drive();
  if (drive.major == 0) {
    const std::string path = identity.path();
    const std::string place = identity.drive_id();
    identity = said;
    identity.set_path(path);
    if (identity.drive_id().starts_with("path-")) identity.set_drive_id(place);
  } else {
    if (identity.serial().empty()) identity.set_serial(said.serial());
    if (identity.firmware().empty()) identity.set_firmware(said.firmware());
    if (said.has_rotation_rpm()) identity.set_rotation_rpm(said.rotation_rpm());
  }
  *read.mutable_drive() = std::move(identity);
  read.set_power_state(v1::DriveHealth::POWER_STATE_ACTIVE);
  health = std::move(read);
}

class SmartctlSource final : public SmartSource {
 public:
  explicit SmartctlSource(SmartctlOptions options) : options_(std::move(options)) {}

  void Read(const Drive& drive, v1::DriveHealth& health) override {
    auto output =
        RunProgram(SmartctlCommand(options_.program, {"--json=c", "-x"}, drive), {options_.time});
    if (!output && output.error().code() == Code::kNotFound) {
      return health.add_problems(options_.program +
                                 " is not there: install smartmontools, or name it as "
                                 "drives.smartctl");
    }
    if (!output) return health.add_problems(output.error().message());
    if (output->exit_status == kSmartctlSleeps) {
      return health.set_power_state(v1::DriveHealth::POWER_STATE_STANDBY);
    }
    auto read = HealthFromSmartctlJson(output->text);
    if (read) return Take(std::move(*read), drive, health);
    health.add_problems(
        fmt::format("{} (exit status {}): {}", options_.program, output->exit_status,
                    output->errors.empty() ? read.error().message() : output->errors));
  }

 private:
  const SmartctlOptions options_;
};

}  // namespace

std::unique_ptr<SmartSource> MakeSmartctlSource(SmartctlOptions options) {
  return std::make_unique<SmartctlSource>(std::move(options));
}

}  // namespace remapfleet::agent
