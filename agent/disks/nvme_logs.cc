#include "agent/disks/nvme_logs.h"

#include <endian.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "agent/disks/sectors.h"

namespace remapfleet::agent {
namespace {

using v1::LoggedError;
using v1::SelfTest;

// A counter of 128 bits, times `unit`; nothing if that is no number of 64 bits.
std::optional<std::uint64_t> Counter(const std::uint8_t (&bytes)[16], std::uint64_t unit = 1) {
  std::uint64_t value = 0;
  for (int i = 15; i >= 0; --i) {
    if (i >= 8 && bytes[i] != 0) return std::nullopt;
    value = value << 8 | bytes[i];
  }
  if (value > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
  return value * unit;
}

template <class Set>
void Put(const char* name, const std::optional<std::uint64_t>& value, v1::DriveHealth& health,
         Set set) {
  if (value) {
    set(*value);
  } else {
    health.add_problems(fmt::format("NVMe's {} is larger than can be", name));
  }
}

SelfTest::Result ResultOf(unsigned code) {
  switch (code) {
    case 0:
      return SelfTest::RESULT_PASSED;
    case 1:
    case 2:
    case 3:
    case 4:
    case 8:
    case 9:
      return SelfTest::RESULT_ABORTED;
    case 5:
    case 6:
    case 7:
      return SelfTest::RESULT_OTHER_FAILURE;
    default:
      return SelfTest::RESULT_UNSPECIFIED;
  }
}

SelfTest::Kind KindOf(unsigned code) {
  return code == 1   ? SelfTest::KIND_SHORT
         : code == 2 ? SelfTest::KIND_EXTENDED
                     : SelfTest::KIND_UNSPECIFIED;
}

constexpr unsigned kUnusedResult = 0xf;

}  // namespace

void FillFromNvmeSmart(const nvme_smart_log& log, v1::DriveHealth& health) {
  health.set_protocol(v1::DriveHealth::PROTOCOL_NVME);
  health.set_critical_warning(log.critical_warning);
  health.set_smart_passed(log.critical_warning == 0);
  constexpr int kZeroCelsius = 273, kHottest = kZeroCelsius + 200;
  const int kelvin = log.temperature[0] | log.temperature[1] << 8;
  if (kelvin > kZeroCelsius - 100 && kelvin < kHottest) {
    health.set_temperature_celsius(kelvin - kZeroCelsius);
  } else if (kelvin != 0) {  // 0: it has no sensor
    health.add_problems(fmt::format("NVMe's temperature of {} K cannot be", kelvin));
  }
  if (log.avail_spare <= 100) {
    health.set_available_spare_percent(log.avail_spare);
  } else {
    health.add_problems(fmt::format("NVMe's available spare of {} % cannot be", log.avail_spare));
  }
  health.set_available_spare_threshold_percent(log.spare_thresh);
  health.set_percentage_used(log.percent_used);
  constexpr std::uint64_t kUnit = 512'000;  // data units: thousands of 512 bytes
  Put("data units read", Counter(log.data_units_read, kUnit), health,
      [&](auto v) { health.set_bytes_read(v); });
  Put("data units written", Counter(log.data_units_written, kUnit), health,
      [&](auto v) { health.set_bytes_written(v); });
  Put("power cycles", Counter(log.power_cycles), health,
      [&](auto v) { health.set_power_cycles(v); });
  Put("power-on hours", Counter(log.power_on_hours), health,
      [&](auto v) { health.set_power_on_hours(v); });
  Put("unsafe shutdowns", Counter(log.unsafe_shutdowns), health,
      [&](auto v) { health.set_unsafe_shutdowns(v); });
  Put("media errors", Counter(log.media_errors), health,
      [&](auto v) { health.set_media_errors(v); });
  Put("error log entries", Counter(log.num_err_log_entries), health,
      [&](auto v) { health.set_error_log_entries(v); });
  health.set_warning_temperature_minutes(le32toh(log.warning_temp_time));
  health.set_critical_temperature_minutes(le32toh(log.critical_comp_time));
}

void FillFromNvmeErrors(std::span<const nvme_error_log_page> log, std::uint32_t nsid,
                        v1::DriveHealth& health) {
  constexpr unsigned kMediaErrors = 2;  // status code type: media and data integrity errors
  for (const nvme_error_log_page& entry : log) {
    if (entry.error_count == 0) continue;
    LoggedError& error = *health.add_logged_errors();
    error.set_log(LoggedError::LOG_NVME_ERROR);
    error.set_number(le64toh(entry.error_count));
    const unsigned status = le16toh(entry.status_field) >> 1 & 0x7ff;  // bit 0 is the phase
    error.set_description(nvme_status_to_string(static_cast<int>(status), /*fabrics=*/false));
    const bool has_place = status >> 8 == kMediaErrors && le32toh(entry.nsid) == nsid;
    if (has_place && !SetSectors(le64toh(entry.lba), health.drive(), *error.mutable_range())) {
      error.clear_range();
    }
  }
}

void FillFromNvmeSelfTests(const nvme_self_test_log& log, std::uint32_t nsid,
                           v1::DriveHealth& health) {
  if (const unsigned running = log.current_operation & 0xf; running != 0) {
    SelfTest& test = *health.add_self_tests();
    test.set_kind(KindOf(running));
    test.set_result(SelfTest::RESULT_RUNNING);
    test.set_remaining_percent(100 - std::min(log.completion & 0x7f, 100));
  }
  constexpr unsigned kNsidValid = 1, kLbaValid = 2;
  for (const nvme_st_result& entry : log.result) {
    const unsigned result = entry.dsts & 0xf;
    if (result == kUnusedResult) continue;
    SelfTest& test = *health.add_self_tests();
    test.set_kind(KindOf(entry.dsts >> 4));
    test.set_result(ResultOf(result));
    test.set_power_on_hours(le64toh(entry.poh));
    const bool here = (entry.vdi & kNsidValid) == 0 || le32toh(entry.nsid) == nsid;
    if (test.result() != SelfTest::RESULT_OTHER_FAILURE || (entry.vdi & kLbaValid) == 0 || !here) {
      continue;
    }
    test.set_result(SelfTest::RESULT_READ_FAILURE);
    if (!SetSectors(le64toh(entry.flba), health.drive(), *test.mutable_first_error())) {
      test.clear_first_error();
    }
  }
}

}  // namespace remapfleet::agent
