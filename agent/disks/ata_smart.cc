// atasmart.h uses size_t without including what defines it.
// clang-format off
#include <stddef.h>
#include <atasmart.h>
// clang-format on
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/disks/ata_counters.h"
#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

struct SkDiskDeleter {
  void operator()(SkDisk* disk) const { sk_disk_free(disk); }
};
using SkDiskPtr = std::unique_ptr<SkDisk, SkDiskDeleter>;

void Problem(v1::DriveHealth& health, const char* what) {
  const int error = errno;
  health.add_problems(fmt::format("{}: {}", what, std::strerror(error)));
}

void AddAttribute(SkDisk*, const SkSmartAttributeParsedData* parsed, void* userdata) {
  auto& health = *static_cast<v1::DriveHealth*>(userdata);
  v1::AtaAttribute& attribute = *health.add_attributes();
  attribute.set_id(parsed->id);
  attribute.set_name(parsed->name != nullptr ? parsed->name : "");
  if (parsed->current_value_valid) attribute.set_current(parsed->current_value);
  if (parsed->worst_value_valid) attribute.set_worst(parsed->worst_value);
  if (parsed->threshold_valid) attribute.set_threshold(parsed->threshold);
  std::uint64_t raw = 0;
  for (int i = 5; i >= 0; --i) raw = raw << 8 | parsed->raw[i];
  attribute.set_raw(raw);
}

// Libatasmart takes attribute 231 for a temperature before all others; solid-state drives count
// down their life there. Where a drive has it, only 194 and 190 are believed, of which the lowest
// byte is the temperature of now.
void FillTemperature(SkDisk* disk, v1::DriveHealth& health) {
  const auto find = [&](std::uint32_t id) {
    return std::find_if(health.attributes().begin(), health.attributes().end(),
                        [&](const v1::AtaAttribute& a) { return a.id() == id; });
  };
  const auto end = health.attributes().end();
  std::uint64_t millikelvin = 0;
  if (find(231) == end) {
    if (sk_disk_smart_get_temperature(disk, &millikelvin) == 0) {
      health.set_temperature_celsius((static_cast<double>(millikelvin) - 273150.0) / 1000.0);
    }
    return;
  }
  const auto attribute = find(194) != end ? find(194) : find(190);
  if (attribute != end)
    health.set_temperature_celsius(static_cast<double>(attribute->raw() & 0xff));
}

void FillFromSmart(SkDisk* disk, v1::DriveHealth& health) {
  health.set_protocol(v1::DriveHealth::PROTOCOL_ATA);
  SkBool good = FALSE;
  if (sk_disk_smart_status(disk, &good) == 0) {
    health.set_smart_passed(good != FALSE);
  } else {
    Problem(health, "SMART verdict");
  }
  std::uint64_t value = 0;
  if (sk_disk_smart_get_power_on(disk, &value) == 0) {
    health.set_power_on_hours(value / 3'600'000);
  }
  if (sk_disk_smart_get_power_cycle(disk, &value) == 0) health.set_power_cycles(value);
  if (sk_disk_smart_parse_attributes(disk, AddAttribute, &health) != 0) {
    Problem(health, "SMART attributes");
  }
  FillTemperature(disk, health);
  SetAtaCounters(health);
}

class AtaSmartSource final : public SmartSource {
 public:
  void Read(const Drive& drive, v1::DriveHealth& health) override {
    SkDisk* raw = nullptr;
    if (sk_disk_open(drive.identity.path().c_str(), &raw) != 0)
      return Problem(health, "opening it for SMART");
    const SkDiskPtr disk(raw);
    SkBool awake = TRUE;
    // A drive that does not answer the question is taken for awake: reading cannot be avoided then.
    if (sk_disk_check_sleep_mode(raw, &awake) == 0) {
      health.set_power_state(awake == FALSE ? v1::DriveHealth::POWER_STATE_STANDBY
                                            : v1::DriveHealth::POWER_STATE_ACTIVE);
      if (awake == FALSE) return;
    }
    SkBool available = FALSE;
    if (sk_disk_smart_is_available(raw, &available) != 0) return Problem(health, "SMART");
    if (available == FALSE) {
      health.add_problems("SMART is not supported by this drive or its controller");
      return;
    }
    if (sk_disk_smart_read_data(raw) != 0) return Problem(health, "SMART data");
    FillFromSmart(raw, health);
  }
};

}  // namespace

std::unique_ptr<SmartSource> MakeAtaSmartSource() { return std::make_unique<AtaSmartSource>(); }

Result<v1::DriveHealth> HealthFromAtaBlob(const std::string& blob) {
  SkDisk* raw = nullptr;
  if (sk_disk_open(nullptr, &raw) != 0) return Fail(Error::FromErrno(errno, "libatasmart"));
  const SkDiskPtr disk(raw);
  if (sk_disk_set_blob(raw, blob.data(), blob.size()) != 0) {
    return Fail(Code::kInvalidArgument, "not a recording of libatasmart (skdump --save)");
  }
  v1::DriveHealth health;
  const SkIdentifyParsedData* identify = nullptr;
  if (sk_disk_identify_parse(raw, &identify) == 0) {
    health.mutable_drive()->set_serial(Trim(identify->serial));
    health.mutable_drive()->set_model(Trim(identify->model));
    health.mutable_drive()->set_firmware(Trim(identify->firmware));
  } else {
    Problem(health, "IDENTIFY");
  }
  std::uint64_t bytes = 0;
  if (sk_disk_get_size(raw, &bytes) == 0) health.mutable_drive()->set_size_bytes(bytes);
  if (health.drive().model().empty() && health.drive().serial().empty() &&
      health.problems().empty()) {
    return Fail(Code::kInvalidArgument, "the recording describes no drive");
  }
  health.mutable_drive()->set_drive_id(MakeDriveId(health.drive(), "recording"));
  FillFromSmart(raw, health);
  return health;
}

}  // namespace remapfleet::agent
