#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/disks/ata_counters.h"
#include "agent/disks/smartctl_json.h"

namespace remapfleet::agent {
namespace {

using ::testing::ElementsAre;
using v1::LoggedError;
using v1::SelfTest;

v1::DriveHealth Read(const std::string& rest, const char* protocol = "ATA",
                     const char* size = "8001563222016") {
  const auto health = HealthFromSmartctlJson(fmt::format(
      R"({{"smartctl":{{}},"device":{{"protocol":"{}"}},"model_name":"M","serial_number":"S",
      "user_capacity":{{"bytes":{}}},"logical_block_size":512,{}}})",
      protocol, size, rest));
  EXPECT_TRUE(health) << health.error().message();
  return health ? *health : v1::DriveHealth();
}

std::string Error(int error, unsigned lba, int device, int command) {
  return fmt::format(
      R"({{"error_number":7,"lifetime_hours":36208,"error_description":"E",
      "completion_registers":{{"error":{},"lba":{},"device":{}}},
      "previous_commands":[{{"registers":{{"command":{}}}}}]}})",
      error, lba, device, command);
}

// What became of one entry of the summary log: its sector, or -1 if it has no place.
std::int64_t Sector(const std::string& entry, const char* size = "8001563222016") {
  const auto health =
      Read(R"("ata_smart_error_log":{"summary":{"table":[)" + entry + "]}}", "ATA", size);
  EXPECT_EQ(health.logged_errors_size(), 1);
  const LoggedError& error = health.logged_errors(0);
  EXPECT_EQ(error.log(), LoggedError::LOG_ATA_ERROR);
  EXPECT_EQ(error.number(), 7U);
  EXPECT_EQ(error.power_on_hours(), 36208U);
  return error.has_range() ? static_cast<std::int64_t>(error.range().first_sector()) : -1;
}

TEST(AtaErrorLog, AnUnreadableSectorHasAPlaceWhereTheLogNamesItWhole) {
  constexpr int kUnc = 0x40, kReadDma = 0xc8, kReadFpdma = 0x60;
  EXPECT_EQ(Sector(Error(kUnc, 0x123456, 0xe7, kReadDma)), 0x7123456);
  // 48 bits of an LBA, of which this log has room for 28
  EXPECT_EQ(Sector(Error(kUnc, 0x123456, 0x40, kReadFpdma)), -1);
  EXPECT_EQ(Sector(Error(kUnc, 0x123456, 0x40, kReadFpdma), "80026361856"), 0x123456);
  // beyond the drive's end
  EXPECT_EQ(Sector(Error(kUnc, 0x123456, 0x4f, kReadFpdma), "80026361856"), -1);
}

TEST(AtaErrorLog, WhatSaysNothingOfASectorHasNoPlace) {
  constexpr int kAbrt = 0x04, kIcrc = 0x84, kIcrcAndUnc = 0xc4, kIdnf = 0x10;
  EXPECT_EQ(Sector(Error(kAbrt, 5, 0xe0, 0xc8)), -1);
  EXPECT_EQ(Sector(Error(kIcrc, 5, 0xe0, 0xc8)), -1);
  EXPECT_EQ(Sector(Error(kIcrcAndUnc, 5, 0xe0, 0xc8)), -1);
  EXPECT_EQ(Sector(Error(kIdnf, 5, 0xe0, 0xc8)), 5);
}

TEST(AtaErrorLog, TheExtendedOneNamesAllOfAnLbaAndIsPreferred) {
  const auto health = Read(
      R"("ata_smart_error_log":{"summary":{"table":[{}]},"extended":{"count":9,"table":[
      {"error_number":9,"completion_registers":{"error":64,"lba":15000000000,"device":64}}]}})");
  ASSERT_EQ(health.logged_errors_size(), 1);
  EXPECT_EQ(health.logged_errors(0).range().first_sector(), 15000000000U);
  EXPECT_EQ(health.logged_errors(0).range().sector_count(), 1U);
}

TEST(PendingDefects, AreInSectorsOf512BytesWhateverTheDrivesBlocksAre) {
  const auto health = HealthFromSmartctlJson(
      R"({"smartctl":{},"device":{"protocol":"ATA"},"model_name":"M","serial_number":"S",
      "user_capacity":{"bytes":4096000},"logical_block_size":4096,"ata_pending_defects_log":
      {"size":255,"count":3,"table":[{"lba":10,"power_on_hours":77},{"lba":1000},{"x":1}]}})");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->pending_defects(), 3U);
  ASSERT_EQ(health->logged_errors_size(), 2);
  EXPECT_EQ(health->logged_errors(0).log(), LoggedError::LOG_ATA_PENDING_DEFECTS);
  EXPECT_EQ(health->logged_errors(0).range().first_sector(), 80U);
  EXPECT_EQ(health->logged_errors(0).range().sector_count(), 8U);
  EXPECT_EQ(health->logged_errors(0).power_on_hours(), 77U);
  EXPECT_FALSE(health->logged_errors(1).has_range());  // the drive ends before it
}

TEST(NvmeErrorLog, OnlyErrorsOfTheMediumHaveAPlace) {
  const auto health = Read(
      R"("nvme_error_information_log":{"table":[
      {"error_count":4,"status_field":{"status_code_type":2,"string":"Unrecovered Read Error"},
       "lba":{"value":99}},
      {"error_count":3,"status_field":{"status_code_type":0},"lba":{"value":0}}]})",
      "NVMe");
  ASSERT_EQ(health.logged_errors_size(), 2);
  EXPECT_EQ(health.logged_errors(0).range().first_sector(), 99U);
  EXPECT_EQ(health.logged_errors(0).description(), "Unrecovered Read Error");
  EXPECT_FALSE(health.logged_errors(1).has_range());
}

TEST(BackgroundScan, ItsFindsAreErrorsWithAPlace) {
  const auto health = Read(
      R"("scsi_background_scan":{"status":{"value":0},"result_1":{"lba":{"value":4711},
      "accumulated_power_on":{"hours":1234}}})",
      "SCSI");
  ASSERT_EQ(health.logged_errors_size(), 1);
  EXPECT_EQ(health.logged_errors(0).log(), LoggedError::LOG_SCSI_BACKGROUND_SCAN);
  EXPECT_EQ(health.logged_errors(0).range().first_sector(), 4711U);
  EXPECT_EQ(health.logged_errors(0).power_on_hours(), 1234U);
}

TEST(AtaSelfTests, SayWhatWasTestedHowItEndedAndWhere) {
  const auto health = Read(
      R"("ata_smart_self_test_log":{"standard":{"table":[
      {"type":{"value":2},"status":{"value":121,"remaining_percent":90,"string":"R"},
       "lifetime_hours":100,"lba":4242},
      {"type":{"value":1},"status":{"value":25}},{"type":{"value":1},"status":{"value":0}},
      {"type":{"value":192},"status":{"value":64}}]}},
      "ata_smart_data":{"self_test":{"status":{"value":249,"remaining_percent":90}}})");
  ASSERT_EQ(health.self_tests_size(), 5);
  EXPECT_EQ(health.self_tests(0).result(), SelfTest::RESULT_RUNNING);
  EXPECT_EQ(health.self_tests(0).remaining_percent(), 90U);
  const SelfTest& failed = health.self_tests(1);
  EXPECT_EQ(failed.kind(), SelfTest::KIND_EXTENDED);
  EXPECT_EQ(failed.result(), SelfTest::RESULT_READ_FAILURE);
  EXPECT_EQ(failed.first_error().first_sector(), 4242U);
  EXPECT_EQ(failed.power_on_hours(), 100U);
  EXPECT_EQ(health.self_tests(2).result(), SelfTest::RESULT_ABORTED);
  EXPECT_EQ(health.self_tests(3).result(), SelfTest::RESULT_PASSED);
  EXPECT_EQ(health.self_tests(4).result(), SelfTest::RESULT_OTHER_FAILURE);
}

TEST(OtherSelfTests, OfScsiAndNvmeAreReadAlike) {
  const auto scsi = Read(
      R"("scsi_self_test_0":{"code":{"value":2},"result":{"value":7},"power_on_time":{"hours":5},
      "lba_first_failure":{"value":12}},"scsi_self_test_1":{"code":{"value":1},
      "result":{"value":0}},"scsi_self_test_3":{"code":{"value":1}})",
      "SCSI");
  ASSERT_EQ(scsi.self_tests_size(), 2);
  EXPECT_EQ(scsi.self_tests(0).kind(), SelfTest::KIND_EXTENDED);
  EXPECT_EQ(scsi.self_tests(0).first_error().first_sector(), 12U);
  EXPECT_EQ(scsi.self_tests(1).result(), SelfTest::RESULT_PASSED);

  const auto nvme = Read(
      R"("nvme_self_test_log":{"table":[{"self_test_code":{"value":1},
      "self_test_result":{"value":8},"power_on_hours":9},{"self_test_result":{"value":15}}]})",
      "NVMe");
  ASSERT_EQ(nvme.self_tests_size(), 1);
  EXPECT_EQ(nvme.self_tests(0).kind(), SelfTest::KIND_SHORT);
  EXPECT_EQ(nvme.self_tests(0).result(), SelfTest::RESULT_ABORTED);
  EXPECT_EQ(nvme.self_tests(0).power_on_hours(), 9U);
}

TEST(DeviceStatistics, CountOnlyWhatTheDriveCallsValid) {
  const auto health = Read(
      R"("ata_device_statistics":{"pages":[{"number":1,"table":[
      {"offset":24,"value":1000,"flags":{"valid":true}},
      {"offset":40,"value":5,"flags":{"valid":false}}]},
      {"number":7,"table":[{"offset":8,"value":19,"flags":{"valid":true}}]}]},
      "ata_sct_erc":{"read":{"enabled":true,"deciseconds":70},"write":{"enabled":false}})");
  EXPECT_EQ(health.bytes_written(), 512000U);
  EXPECT_FALSE(health.has_bytes_read());
  EXPECT_EQ(health.percentage_used(), 19U);
  EXPECT_EQ(health.read_recovery_limit_ms(), 7000U);
  EXPECT_EQ(health.write_recovery_limit_ms(), 0U);
}

TEST(DeviceStatistics, WhatCannotBeIsAbsent) {
  const auto health = Read(
      R"("ata_device_statistics":{"pages":[
      {"number":1,"table":[{"offset":24,"value":18446744073709551615,"flags":{"valid":true}}]},
      {"number":7,"table":[{"offset":8,"value":4294967297,"flags":{"valid":true}}]}]},
      "nvme_smart_health_information_log":{"data_units_read":18446744073709551615},
      "scsi_error_counter_log":{"write":{"gigabytes_processed":"1e300"}})");
  EXPECT_FALSE(health.has_bytes_written());
  EXPECT_FALSE(health.has_percentage_used());
  EXPECT_FALSE(health.has_bytes_read());
}

v1::DriveHealth WithAttribute(const std::string& model, std::uint32_t id, std::uint64_t raw,
                              std::uint32_t current) {
  v1::DriveHealth health;
  health.mutable_drive()->set_model(model);
  health.mutable_drive()->set_size_bytes(std::uint64_t{1000} * 512);
  v1::AtaAttribute& attribute = *health.add_attributes();
  attribute.set_id(id);
  attribute.set_raw(raw);
  attribute.set_current(current);
  SetAtaCounters(health);
  return health;
}

TEST(AtaCounters, WhatVendorsPackIsTakenApart) {
  const auto seagate = WithAttribute("ST4000DM000-1F2168", 188, 4295032841, 100);
  EXPECT_EQ(seagate.command_timeouts(), 9U);
  EXPECT_THAT(seagate.attributes(0).parts(), ElementsAre(9, 1, 1));
  const auto other = WithAttribute("SAMSUNG HD501LJ", 188, 70000, 100);
  EXPECT_EQ(other.command_timeouts(), 70000U);
  EXPECT_EQ(other.attributes(0).parts_size(), 0);
}

TEST(AtaCounters, MoreBadSectorsThanSectorsIsAProblemAndNoCount) {
  EXPECT_EQ(WithAttribute("M", 197, 1000, 100).pending_sectors(), 1000U);
  const auto health = WithAttribute("M", 197, 1001, 100);
  EXPECT_FALSE(health.has_pending_sectors());
  EXPECT_EQ(health.problems_size(), 1);
  EXPECT_TRUE(WithAttribute("M", 199, 1001, 100).has_interface_crc_errors());
}

TEST(AtaCounters, EnduranceIsReadWhereTheFamilyKeepsIt) {
  EXPECT_EQ(WithAttribute("INTEL SSDSC2BB016T4", 233, 0, 15).percentage_used(), 85U);
  EXPECT_EQ(WithAttribute("KINGSTON SKC400S371T", 231, 74, 100).percentage_used(), 26U);
  EXPECT_EQ(WithAttribute("SSDSCKJB240G7R", 202, 0, 100).percentage_used(), 0U);
  // here it counts what was written
  EXPECT_FALSE(WithAttribute("SSDSCKJB240G7R", 233, 129493, 100).has_percentage_used());
  EXPECT_FALSE(WithAttribute("WDC WD4000", 233, 5, 100).has_percentage_used());
}

}  // namespace
}  // namespace remapfleet::agent
