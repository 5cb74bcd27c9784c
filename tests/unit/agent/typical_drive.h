#pragma once

#include <array>
#include <string>
#include <utility>

#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

// What an ATA disk of some years says of itself each few minutes: all its attributes, a few errors,
// a full self-test log. `drive` makes it another one, `minutes` moves what moves by itself.
inline v1::DriveHealth TypicalHealth(unsigned drive, unsigned minutes) {
  static constexpr std::array<std::pair<unsigned, const char*>, 23> kAttributes = {{
      {1, "raw-read-error-rate"},       {3, "spin-up-time"},
      {4, "start-stop-count"},          {5, "reallocated-sector-count"},
      {7, "seek-error-rate"},           {9, "power-on-hours"},
      {10, "spin-retry-count"},         {12, "power-cycle-count"},
      {183, "runtime-bad-block-total"}, {184, "end-to-end-error"},
      {187, "reported-uncorrect"},      {188, "command-timeout"},
      {189, "high-fly-writes"},         {190, "airflow-temperature-celsius"},
      {191, "g-sense-error-rate"},      {192, "power-off-retract-count"},
      {193, "load-cycle-count"},        {194, "temperature-celsius-2"},
      {197, "current-pending-sector"},  {198, "offline-uncorrectable"},
      {199, "udma-crc-error-count"},    {240, "head-flying-hours"},
      {241, "total-lbas-written"},
  }};
  v1::DriveHealth health;
  v1::DriveIdentity& identity = *health.mutable_drive();
  const std::string name = std::to_string(1000 + drive);
  identity.set_drive_id("wwn-0x5000c5008d3a" + name);
  identity.set_wwn("0x5000c5008d3a" + name);
  identity.set_serial("ZC1A" + name);
  identity.set_model("ST16000NM001G-2KK103");
  identity.set_firmware("SN03");
  identity.set_path("/dev/sd" + std::string(1, static_cast<char>('a' + drive % 26)));
  identity.set_size_bytes(16'000'900'661'248);
  identity.set_logical_block_bytes(512);
  identity.set_physical_block_bytes(4096);
  identity.set_rotation_rpm(7200);
  const std::uint64_t hours = 31'000 + drive * 17 + minutes / 60;
  health.set_protocol(v1::DriveHealth::PROTOCOL_ATA);
  health.set_power_state(v1::DriveHealth::POWER_STATE_ACTIVE);
  health.set_smart_passed(true);
  health.set_power_on_hours(hours);
  health.set_power_cycles(40);
  health.set_temperature_celsius(30 + (drive + minutes / 5) % 7);
  health.set_reallocated_sectors(drive % 3);
  health.set_pending_sectors(0);
  health.set_offline_uncorrectable_sectors(0);
  health.set_reported_uncorrectable_errors(drive % 5);
  health.set_error_log_entries(5);
  health.set_bytes_written(91'234'567'890'123 + std::uint64_t{minutes} * 600'000'000);
  health.set_bytes_read(191'234'567'890'123 + std::uint64_t{minutes} * 900'000'000);
  for (const auto& [id, attribute_name] : kAttributes) {
    v1::AtaAttribute& attribute = *health.add_attributes();
    attribute.set_id(id);
    attribute.set_name(attribute_name);
    attribute.set_current(100 - id % 30);
    attribute.set_worst(90 - id % 30);
    attribute.set_threshold(id % 50);
    attribute.set_raw(id == 1 || id == 7 || id > 239 ? 94'490'722'326 + minutes * 977'777ULL
                                                     : id * 31ULL + minutes / 60);
  }
  for (unsigned i = 0; i < 5; ++i) {
    v1::LoggedError& error = *health.add_logged_errors();
    error.set_log(v1::LoggedError::LOG_ATA_ERROR);
    error.set_number(5 - i);
    error.set_power_on_hours(20'000 - i * 700);
    error.mutable_range()->set_first_sector(1'193'046'000ULL * (i + 1) + drive);
    error.mutable_range()->set_sector_count(1);
    error.set_description("Error: UNC at LBA = 0x0fffffff = 268435455");
  }
  for (unsigned i = 0; i < 21; ++i) {
    v1::SelfTest& test = *health.add_self_tests();
    test.set_kind(i % 4 == 0 ? v1::SelfTest::KIND_EXTENDED : v1::SelfTest::KIND_SHORT);
    test.set_result(v1::SelfTest::RESULT_PASSED);
    test.set_remaining_percent(0);
    test.set_power_on_hours(30'900 - i * 168 + drive);
    test.set_description("Completed without error");
  }
  return health;
}

}  // namespace remapfleet::agent
