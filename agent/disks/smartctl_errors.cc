#include <algorithm>
#include <array>

#include "agent/disks/sectors.h"
#include "agent/disks/smartctl_logs.h"

namespace remapfleet::agent {
namespace {

using Json = JsonReader::Json;
using v1::LoggedError;

void SetPlace(std::optional<std::uint64_t> lba, const v1::DriveHealth& health, LoggedError& error) {
  if (lba && !SetSectors(*lba, health.drive(), *error.mutable_range())) error.clear_range();
}

// Bits of ATA's error register that speak of a sector: UNC, IDNF, AMNF. A bad link (ICRC) or a
// command that was given up (ABRT) has an LBA there, too, at which nothing need be wrong.
bool IsOfSector(std::uint64_t error) {
  constexpr std::uint64_t kIcrc = 0x80, kUnc = 0x40, kIdnf = 0x10, kAmnf = 0x01;
  return (error & kIcrc) == 0 && (error & (kUnc | kIdnf | kAmnf)) != 0;
}

// The summary log keeps 28 bits of an LBA: whole for commands that take no more, or on a drive that
// has no more.
bool HasWholeLba(const JsonReader& entry, const v1::DriveHealth& health) {
  constexpr std::array<std::uint64_t, 10> k28Bit = {0x20, 0x21, 0x30, 0x31, 0x40,
                                                    0x41, 0xc4, 0xc5, 0xc8, 0xca};
  const std::uint64_t size = health.drive().size_bytes();
  if (size != 0 && size / 512 <= std::uint64_t{1} << 28) return true;
  const auto commands = entry.Entries("previous_commands");
  if (commands.empty()) return false;
  const auto command = JsonReader(*commands.front(), entry.odd()).Number("registers.command");
  return command && std::find(k28Bit.begin(), k28Bit.end(), *command) != k28Bit.end();
}

void FillAtaErrors(const JsonReader& reader, v1::DriveHealth& health) {
  const bool extended = reader.Find("ata_smart_error_log.extended.table") != nullptr;
  for (const Json* row : reader.Entries(extended ? "ata_smart_error_log.extended.table"
                                                 : "ata_smart_error_log.summary.table")) {
    const JsonReader entry(*row, reader.odd());
    LoggedError& error = *health.add_logged_errors();
    error.set_log(LoggedError::LOG_ATA_ERROR);
    error.set_description(entry.Text("error_description"));
    if (const auto number = entry.Number("error_number")) error.set_number(*number);
    if (const auto hours = entry.Number("lifetime_hours")) error.set_power_on_hours(*hours);
    auto lba = SmartctlLba(entry, "completion_registers.lba");
    if (!lba || !IsOfSector(entry.Number("completion_registers.error").value_or(0))) continue;
    if (!extended) {
      if (!HasWholeLba(entry, health)) continue;
      *lba |= (entry.Number("completion_registers.device").value_or(0) & 0xf) << 24;
    }
    SetPlace(lba, health, error);
  }
}

// Lists whose entries have an LBA and power-on hours, and nothing else that matters here.
void FillPlaces(const JsonReader& reader, std::string_view path, LoggedError::Log log,
                const char* description, v1::DriveHealth& health) {
  if (reader.Find(path) == nullptr) return;
  for (const Json* row : reader.Entries(path)) {
    if (!row->is_object()) continue;
    const JsonReader entry(*row, reader.odd());
    const auto lba = SmartctlLba(entry, "lba");
    if (!lba) continue;
    LoggedError& error = *health.add_logged_errors();
    error.set_log(log);
    error.set_description(description);
    const auto hours = entry.FirstNumber({"accumulated_power_on.hours", "accum_power_on_hours",
                                          "accumulated_power_on_hours", "power_on_hours", "hours"});
    if (hours) error.set_power_on_hours(*hours);
    SetPlace(lba, health, error);
  }
}

// Of NVMe's errors, only those of media and data integrity (status code type 2) have a place.
void FillNvmeErrors(const JsonReader& reader, v1::DriveHealth& health) {
  for (const Json* row : reader.Entries("nvme_error_information_log.table")) {
    const JsonReader entry(*row, reader.odd());
    LoggedError& error = *health.add_logged_errors();
    error.set_log(LoggedError::LOG_NVME_ERROR);
    error.set_description(entry.Text("status_field.string"));
    if (const auto number = entry.Number("error_count")) error.set_number(*number);
    if (entry.Number("status_field.status_code_type") == 2U) {
      SetPlace(SmartctlLba(entry, "lba"), health, error);
    }
  }
}

}  // namespace

void FillLoggedErrors(const JsonReader& reader, v1::DriveHealth& health) {
  FillAtaErrors(reader, health);
  FillPlaces(reader, "ata_pending_defects_log.table", LoggedError::LOG_ATA_PENDING_DEFECTS,
             "pending defect", health);
  FillPlaces(reader, "scsi_pending_defects.table", LoggedError::LOG_SCSI_PENDING_DEFECTS,
             "pending defect", health);
  FillPlaces(reader, "scsi_background_scan", LoggedError::LOG_SCSI_BACKGROUND_SCAN,
             "found by a background scan", health);
  FillNvmeErrors(reader, health);
  const auto count =
      reader.FirstNumber({"ata_pending_defects_log.count", "scsi_pending_defects.count"});
  if (count) health.set_pending_defects(*count);
}

}  // namespace remapfleet::agent
