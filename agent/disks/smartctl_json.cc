#include "agent/disks/smartctl_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/disks/ata_counters.h"
#include "agent/disks/drives.h"
#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

using Json = nlohmann::json;

// Reads values by path, as in "temperature.current". Absent or null is nothing; of another type is
// nothing and a problem.
class Reader {
 public:
  Reader(const Json& json, v1::DriveHealth& health) : json_(json), health_(health) {}

  const Json* Find(std::string_view path) const {
    const Json* at = &json_;
    while (!path.empty()) {
      const std::string key(path.substr(0, path.find('.')));
      path.remove_prefix(std::min(path.size(), key.size() + 1));
      const auto found = at->is_object() ? at->find(key) : at->end();
      if (!at->is_object() || found == at->end() || found->is_null()) return nullptr;
      at = &*found;
    }
    return at;
  }
  std::string Text(std::string_view path) {
    const Json* value = Find(path);
    if (value == nullptr) return {};
    if (!value->is_string()) return Odd<std::string>(path);
    return Trim(value->get_ref<const std::string&>());
  }
  std::optional<std::uint64_t> Number(std::string_view path) {
    const Json* value = Find(path);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_unsigned()) return Odd<std::optional<std::uint64_t>>(path);
    return value->get<std::uint64_t>();
  }
  std::optional<std::uint32_t> Small(std::string_view path) {
    const auto value = Number(path);
    if (!value) return std::nullopt;
    if (*value > std::numeric_limits<std::uint32_t>::max()) {
      return Odd<std::optional<std::uint32_t>>(path);
    }
    return static_cast<std::uint32_t>(*value);
  }
  std::optional<double> Real(std::string_view path) {
    const Json* value = Find(path);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) return Odd<std::optional<double>>(path);
    return value->get<double>();
  }
  std::optional<bool> Flag(std::string_view path) {
    const Json* value = Find(path);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) return Odd<std::optional<bool>>(path);
    return value->get<bool>();
  }
  // The first of them that is there.
  std::string FirstText(std::initializer_list<std::string_view> paths) {
    for (const std::string_view path : paths) {
      if (auto text = Text(path); !text.empty()) return text;
    }
    return {};
  }
  std::optional<std::uint64_t> FirstNumber(std::initializer_list<std::string_view> paths) {
    for (const std::string_view path : paths) {
      if (const auto number = Number(path)) return number;
    }
    return std::nullopt;
  }

 private:
  template <class T>
  T Odd(std::string_view path) {
    health_.add_problems(fmt::format("smartctl's {} is not of the type it should be", path));
    return T();
  }

  const Json& json_;
  v1::DriveHealth& health_;
};

v1::DriveHealth::Protocol ProtocolOf(const std::string& name) {
  if (name == "ATA") return v1::DriveHealth::PROTOCOL_ATA;
  if (name == "NVMe") return v1::DriveHealth::PROTOCOL_NVME;
  if (name == "SCSI") return v1::DriveHealth::PROTOCOL_SCSI;
  return v1::DriveHealth::PROTOCOL_UNSPECIFIED;
}

std::string WwnOf(Reader& reader) {
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

void FillIdentity(Reader& reader, v1::DriveIdentity& identity) {
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
  identity.set_drive_id(
      MakeDriveId(identity, std::filesystem::path(identity.path()).filename().string()));
}

template <class T, class Set>
void Put(const std::optional<T>& value, Set set) {
  if (value) set(*value);
}

void FillLife(Reader& reader, v1::DriveHealth& health) {
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
  const auto temperature = reader.Real("temperature.current");
  if (temperature && !(*temperature == 0 && limit == 0.0)) {
    health.set_temperature_celsius(*temperature);
  }
}

void FillAta(Reader& reader, v1::DriveHealth& health) {
  const Json* table = reader.Find("ata_smart_attributes.table");
  if (table == nullptr) return;
  if (!table->is_array()) {
    health.add_problems("smartctl's attribute table is no list");
    return;
  }
  for (const Json& row : *table) {
    Reader entry(row, health);
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

void FillNvme(Reader& reader, v1::DriveHealth& health) {
  Put(reader.Number("nvme_smart_health_information_log.media_errors"),
      [&](auto v) { health.set_media_errors(v); });
  Put(reader.Small("nvme_smart_health_information_log.critical_warning"),
      [&](auto v) { health.set_critical_warning(v); });
  Put(reader.Small("nvme_smart_health_information_log.available_spare"),
      [&](auto v) { health.set_available_spare_percent(v); });
}

void FillScsi(Reader& reader, v1::DriveHealth& health) {
  Put(reader.Number("scsi_grown_defect_list"), [&](auto v) { health.set_grown_defects(v); });
  Put(reader.Number("scsi_error_counter_log.read.total_uncorrected_errors"),
      [&](auto v) { health.set_uncorrected_read_errors(v); });
  Put(reader.Number("scsi_error_counter_log.write.total_uncorrected_errors"),
      [&](auto v) { health.set_uncorrected_write_errors(v); });
}

// smartctl's own words, and what the bits of its exit status say of what was not read.
void FillProblems(Reader& reader, v1::DriveHealth& health) {
  const Json* messages = reader.Find("smartctl.messages");
  if (messages != nullptr && messages->is_array()) {
    for (const Json& message : *messages) {
      if (auto text = Reader(message, health).Text("string"); !text.empty()) {
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
  if (json.is_discarded()) return Fail(Code::kInvalidArgument, "not JSON");
  v1::DriveHealth health;
  Reader reader(json, health);
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
  FillNvme(reader, health);
  FillScsi(reader, health);
  return health;
}

}  // namespace remapfleet::agent
