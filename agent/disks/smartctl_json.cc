#include "agent/disks/smartctl_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/disks/ata_counters.h"
#include "agent/disks/drives.h"
#include "agent/disks/json_reader.h"
#include "agent/disks/smartctl_logs.h"

namespace remapfleet::agent {
namespace {

using Json = nlohmann::json;

v1::DriveHealth::Protocol ProtocolOf(const std::string& name) {
  if (name == "ATA") return v1::DriveHealth::PROTOCOL_ATA;
  if (name == "NVMe") return v1::DriveHealth::PROTOCOL_NVME;
  if (name == "SCSI") return v1::DriveHealth::PROTOCOL_SCSI;
  return v1::DriveHealth::PROTOCOL_UNSPECIFIED;
}

std::string WwnOf(const JsonReader& reader) {
  const auto naa = reader.Number("wwn.naa");
  const auto oui = reader.Number("wwn.oui");
  const auto id = reader.Number("wwn.id");
  if (naa && oui && id && *naa < 16 && *oui < 1U << 24 && *id < std::uint64_t{1} << 36) {
    return fmt::format("0x{:016x}", *naa << 60 | *oui << 36 | *id);
  }
  const std::string unit = reader.Text("logical_unit_id");
  const bool is_wwn = unit.size() == 18 && unit.starts_with("0x") &&
                      unit.find_first_not_of("0123456789abcdef", 2) == std::string::npos;
  return is_wwn ? unit : "";
}

void FillIdentity(const JsonReader& reader, v1::DriveIdentity& identity) {
  identity.set_path(reader.Text("device.name"));
  identity.set_serial(reader.Text("serial_number"));
  identity.set_model(reader.FirstText({"model_name", "scsi_model_name"}));
  if (identity.model().empty()) {
    identity.set_model(Trim(reader.FirstText({"scsi_vendor", "vendor"}) + " " +
                            reader.FirstText({"scsi_product", "product"})));
  }
  identity.set_firmware(reader.FirstText({"firmware_version", "scsi_revision", "revision"}));
  identity.set_wwn(WwnOf(reader));
  identity.set_size_bytes(
      reader.FirstNumber({"user_capacity.bytes", "nvme_total_capacity"}).value_or(0));
  identity.set_logical_block_bytes(reader.Small("logical_block_size").value_or(0));
  identity.set_physical_block_bytes(reader.Small("physical_block_size").value_or(0));
  if (const auto rpm = reader.Small("rotation_rate")) identity.set_rotation_rpm(*rpm);
  identity.set_drive_id(
      MakeDriveId(identity, std::filesystem::path(identity.path()).filename().string()));
}

template <class T, class Set>
void Put(const std::optional<T>& value, Set set) {
  if (value) set(*value);
}

void FillLife(const JsonReader& reader, v1::DriveHealth& health) {
  Put(reader.Flag("smart_status.passed"), [&](bool v) { health.set_smart_passed(v); });
  Put(reader.Number("power_on_time.hours"), [&](auto v) { health.set_power_on_hours(v); });
  Put(reader.Number("power_cycle_count"), [&](auto v) { health.set_power_cycles(v); });
  Put(reader.FirstNumber({"ata_smart_error_log.extended.count", "ata_smart_error_log.summary.count",
                          "nvme_smart_health_information_log.num_err_log_entries"}),
      [&](auto v) { health.set_error_log_entries(v); });
  for (const char* path :
       {"nvme_smart_health_information_log.percentage_used",
        "scsi_percentage_used_endurance_indicator", "endurance_used.current_percent"}) {
    if (health.has_percentage_used()) break;
    Put(reader.Small(path), [&](auto v) { health.set_percentage_used(v); });
  }
  // A volume of a RAID controller has no sensor, and says 0 for it and for its limit.
  const auto limit = reader.Real("temperature.drive_trip");
  auto temperature = reader.Real("temperature.current");
  if (!temperature) temperature = reader.Real("scsi_environmental_reports.temperature_1.current");
  if (temperature && !(*temperature == 0 && limit == 0.0)) {
    health.set_temperature_celsius(*temperature);
  }
}

void FillAta(const JsonReader& reader, v1::DriveHealth& health) {
  const Json* table = reader.Find("ata_smart_attributes.table");
  if (table == nullptr) return;
  if (!table->is_array()) {
    health.add_problems("smartctl's attribute table is no list");
    return;
  }
  for (const Json& row : *table) {
    const JsonReader entry(row, reader.odd());
    const auto id = entry.Number("id");
    const auto raw = entry.Number("raw.value");
    if (!id || !raw || *id == 0 || *id > 255) {
      health.add_problems("smartctl's attribute table has an entry without id or raw value");
      continue;
    }
    v1::AtaAttribute& attribute = *health.add_attributes();
    attribute.set_id(static_cast<std::uint32_t>(*id));
    attribute.set_name(entry.Text("name"));
    // 0, 254 and 255 mean that there is none.
    const auto valid = [](std::uint32_t v) { return v > 0 && v < 254; };
    Put(entry.Small("value"), [&](auto v) {
      if (valid(v)) attribute.set_current(v);
    });
    Put(entry.Small("worst"), [&](auto v) {
      if (valid(v)) attribute.set_worst(v);
    });
    Put(entry.Small("thresh"), [&](auto v) { attribute.set_threshold(v); });
    attribute.set_raw(*raw);
  }
  SetAtaCounters(health);
}

// Nothing where it is more than 64 bits can hold.
std::optional<std::uint64_t> Bytes(std::optional<std::uint64_t> units, std::uint64_t unit) {
  if (!units || *units > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
  return *units * unit;
}

void FillNvme(const JsonReader& reader, v1::DriveHealth& health) {
  Put(reader.Number("nvme_smart_health_information_log.media_errors"),
      [&](auto v) { health.set_media_errors(v); });
  Put(reader.Small("nvme_smart_health_information_log.critical_warning"),
      [&](auto v) { health.set_critical_warning(v); });
  const JsonReader::Json* page = reader.Find("nvme_smart_health_information_log");
  if (page == nullptr) return;
  const JsonReader log(*page, reader.odd());
  Put(log.Small("available_spare"), [&](auto v) { health.set_available_spare_percent(v); });
  Put(log.Small("available_spare_threshold"),
      [&](auto v) { health.set_available_spare_threshold_percent(v); });
  Put(log.Number("unsafe_shutdowns"), [&](auto v) { health.set_unsafe_shutdowns(v); });
  Put(log.Number("warning_temp_time"), [&](auto v) { health.set_warning_temperature_minutes(v); });
  Put(log.Number("critical_comp_time"),
      [&](auto v) { health.set_critical_temperature_minutes(v); });
  // in thousands of 512 bytes
  constexpr std::uint64_t kUnit = 512'000;
  Put(Bytes(log.Number("data_units_read"), kUnit), [&](auto v) { health.set_bytes_read(v); });
  Put(Bytes(log.Number("data_units_written"), kUnit), [&](auto v) { health.set_bytes_written(v); });
}

void FillScsi(const JsonReader& reader, v1::DriveHealth& health) {
  Put(reader.Number("scsi_grown_defect_list"), [&](auto v) { health.set_grown_defects(v); });
  Put(reader.Number("scsi_error_counter_log.read.total_uncorrected_errors"),
      [&](auto v) { health.set_uncorrected_read_errors(v); });
  Put(reader.Number("scsi_error_counter_log.write.total_uncorrected_errors"),
      [&](auto v) { health.set_uncorrected_write_errors(v); });
  const auto bytes = [&](const char* path) -> std::optional<std::uint64_t> {
    const auto gigabytes = reader.Real(path);
    if (!gigabytes || !(*gigabytes >= 0 && *gigabytes < 9e9)) return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(*gigabytes * 1e9));
  };
  Put(bytes("scsi_error_counter_log.read.gigabytes_processed"),
      [&](auto v) { health.set_bytes_read(v); });
  Put(bytes("scsi_error_counter_log.write.gigabytes_processed"),
      [&](auto v) { health.set_bytes_written(v); });
}

// Device statistics, by page and offset as ACS-4 has them, for what no attribute has said.
void FillDeviceStatistics(const JsonReader& reader, v1::DriveHealth& health) {
  const std::uint64_t block = std::max<std::uint64_t>(health.drive().logical_block_bytes(), 512);
  for (const Json* row : reader.Entries("ata_device_statistics.pages")) {
    const JsonReader page(*row, reader.odd());
    for (const Json* item : page.Entries("table")) {
      const JsonReader entry(*item, reader.odd());
      const auto value = entry.Number("value");
      if (!value || entry.Flag("flags.valid") != true) continue;
      switch (page.Number("number").value_or(0) << 16 | entry.Number("offset").value_or(0)) {
        case 1 << 16 | 24:
          Put(Bytes(value, block), [&](auto v) { health.set_bytes_written(v); });
          break;
        case 1 << 16 | 40:
          Put(Bytes(value, block), [&](auto v) { health.set_bytes_read(v); });
          break;
        case 4 << 16 | 8:
          if (!health.has_reported_uncorrectable_errors()) {
            health.set_reported_uncorrectable_errors(*value);
          }
          break;
        case 6 << 16 | 24:
          if (!health.has_interface_crc_errors()) health.set_interface_crc_errors(*value);
          break;
        case 7 << 16 | 8:
          if (*value <= 255) health.set_percentage_used(static_cast<std::uint32_t>(*value));
          break;
        default:
          break;
      }
    }
  }
}

// How long it tries, in tenths of a second.
void FillRecoveryLimits(const JsonReader& reader, v1::DriveHealth& health) {
  const auto limit = [&](std::string_view side) -> std::optional<std::uint32_t> {
    const std::string path = fmt::format("ata_sct_erc.{}", side);
    const auto enabled = reader.Flag(path + ".enabled");
    if (enabled == false) return 0;
    const auto value = enabled ? reader.Small(path + ".deciseconds") : std::nullopt;
    return value && *value <= 0xffff ? std::optional(*value * 100) : std::nullopt;
  };
  Put(limit("read"), [&](auto v) { health.set_read_recovery_limit_ms(v); });
  Put(limit("write"), [&](auto v) { health.set_write_recovery_limit_ms(v); });
}

// smartctl's own words, and what the bits of its exit status say of what was not read.
void FillProblems(const JsonReader& reader, v1::DriveHealth& health) {
  const Json* messages = reader.Find("smartctl.messages");
  if (messages != nullptr && messages->is_array()) {
    for (const Json& message : *messages) {
      if (auto text = JsonReader(message, reader.odd()).Text("string"); !text.empty()) {
        health.add_problems("smartctl: " + text);
      }
    }
  }
  const auto status = reader.Number("smartctl.exit_status").value_or(0);
  if ((status & 2) != 0) health.add_problems("smartctl: the drive could not be opened, or sleeps");
  if ((status & 4) != 0) health.add_problems("smartctl: a command to the drive failed");
}

}  // namespace

Result<v1::DriveHealth> HealthFromSmartctlJson(const std::string& text) {
  const Json json = Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Fail(Code::kInvalidArgument,
                text.starts_with("smartctl ")
                    ? "smartctl's text, which is for people: it is read from smartctl --json=c -x"
                    : "not JSON");
  }
  v1::DriveHealth health;
  const JsonReader::Odd odd = [&](std::string_view path) {
    health.add_problems(fmt::format("smartctl's {} is not of the type it should be", path));
  };
  const JsonReader reader(json, odd);
  if (reader.Find("smartctl") == nullptr && reader.Find("device") == nullptr) {
    return Fail(Code::kInvalidArgument, "not an output of smartctl --json");
  }
  if (reader.Find("devices") != nullptr) {
    return Fail(Code::kInvalidArgument, "a list of devices (smartctl --scan), not one drive");
  }
  FillIdentity(reader, *health.mutable_drive());
  FillProblems(reader, health);
  if (health.drive().model().empty() && health.drive().serial().empty()) {
    return Fail(Code::kInvalidArgument, health.problems().empty()
                                            ? "it describes no drive"
                                            : "it describes no drive: " + health.problems(0));
  }
  health.set_protocol(ProtocolOf(reader.Text("device.protocol")));
  FillLife(reader, health);
  FillAta(reader, health);
  FillDeviceStatistics(reader, health);
  FillRecoveryLimits(reader, health);
  FillNvme(reader, health);
  FillScsi(reader, health);
  FillLoggedErrors(reader, health);
  FillSelfTests(reader, health);
  return health;
}

}  // namespace remapfleet::agent
