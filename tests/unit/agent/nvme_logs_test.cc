#include "agent/disks/nvme_logs.h"

#include <endian.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace remapfleet::agent {
namespace {

using ::testing::HasSubstr;
using v1::LoggedError;
using v1::SelfTest;

v1::DriveHealth Drive() {
  v1::DriveHealth health;
  health.mutable_drive()->set_size_bytes(std::uint64_t{1000} * 4096);
  health.mutable_drive()->set_logical_block_bytes(4096);
  return health;
}

TEST(NvmeSmartLog, EveryFieldIsReadInItsUnit) {
  nvme_smart_log log{};
  log.critical_warning = 0x05;
  log.temperature[0] = (273 + 41) & 0xff;
  log.temperature[1] = (273 + 41) >> 8;
  log.avail_spare = 97;
  log.spare_thresh = 10;
  log.percent_used = 101;
  log.data_units_read[0] = 2;
  log.data_units_written[1] = 1;  // 256
  log.power_cycles[0] = 7;
  log.power_on_hours[2] = 1;  // 65536
  log.unsafe_shutdowns[0] = 3;
  log.media_errors[0] = 4;
  log.num_err_log_entries[0] = 5;
  log.warning_temp_time = htole32(11);
  log.critical_comp_time = htole32(12);
  auto health = Drive();
  FillFromNvmeSmart(log, health);
  EXPECT_EQ(health.protocol(), v1::DriveHealth::PROTOCOL_NVME);
  EXPECT_EQ(health.critical_warning(), 5U);
  EXPECT_FALSE(health.smart_passed());
  EXPECT_EQ(health.temperature_celsius(), 41);
  EXPECT_EQ(health.available_spare_percent(), 97U);
  EXPECT_EQ(health.available_spare_threshold_percent(), 10U);
  EXPECT_EQ(health.percentage_used(), 101U);
  EXPECT_EQ(health.bytes_read(), 1'024'000U);
  EXPECT_EQ(health.bytes_written(), 256 * 512'000U);
  EXPECT_EQ(health.power_cycles(), 7U);
  EXPECT_EQ(health.power_on_hours(), 65536U);
  EXPECT_EQ(health.unsafe_shutdowns(), 3U);
  EXPECT_EQ(health.media_errors(), 4U);
  EXPECT_EQ(health.error_log_entries(), 5U);
  EXPECT_EQ(health.warning_temperature_minutes(), 11U);
  EXPECT_EQ(health.critical_temperature_minutes(), 12U);
  EXPECT_EQ(health.problems_size(), 0);
}

TEST(NvmeSmartLog, WhatCannotBeIsAbsentAndSaid) {
  nvme_smart_log log{};
  log.temperature[0] = log.temperature[1] = 0xff;
  log.avail_spare = 255;
  auto health = Drive();
  FillFromNvmeSmart(log, health);
  EXPECT_FALSE(health.has_temperature_celsius());
  EXPECT_FALSE(health.has_available_spare_percent());
  EXPECT_THAT(health.problems(),
              ::testing::UnorderedElementsAre(HasSubstr("65535 K"), HasSubstr("255 %")));
}

TEST(NvmeSmartLog, WhatIsNotThereOrTooLargeIsAbsent) {
  nvme_smart_log log{};
  log.media_errors[8] = 1;        // beyond 64 bits
  log.data_units_read[7] = 0x80;  // beyond them in bytes
  auto health = Drive();
  FillFromNvmeSmart(log, health);
  EXPECT_TRUE(health.smart_passed());
  EXPECT_FALSE(health.has_temperature_celsius());
  EXPECT_FALSE(health.has_media_errors());
  EXPECT_FALSE(health.has_bytes_read());
  EXPECT_EQ(health.bytes_written(), 0U);
  EXPECT_TRUE(health.has_bytes_written());
  EXPECT_EQ(health.problems_size(), 2);
}

nvme_error_log_page Entry(std::uint64_t count, unsigned status, std::uint64_t lba,
                          std::uint32_t nsid) {
  nvme_error_log_page entry{};
  entry.error_count = htole64(count);
  entry.status_field = htole16(static_cast<std::uint16_t>(status << 1 | 1));
  entry.lba = htole64(lba);
  entry.nsid = htole32(nsid);
  return entry;
}

TEST(NvmeErrors, HaveAPlaceIfTheyAreOfTheMediumAndOfThisNamespace) {
  constexpr unsigned kUnrecoveredRead = 0x281, kInvalidField = 0x002;
  const std::array log = {Entry(9, kUnrecoveredRead, 10, 1), Entry(8, kUnrecoveredRead, 10, 2),
                          Entry(7, kInvalidField, 10, 1), Entry(6, kUnrecoveredRead, 1000, 1),
                          Entry(0, 0, 0, 0)};
  auto health = Drive();
  FillFromNvmeErrors(log, 1, health);
  ASSERT_EQ(health.logged_errors_size(), 4);
  EXPECT_EQ(health.logged_errors(0).log(), LoggedError::LOG_NVME_ERROR);
  EXPECT_EQ(health.logged_errors(0).number(), 9U);
  EXPECT_THAT(health.logged_errors(0).description(), HasSubstr("Unrecovered Read Error"));
  EXPECT_EQ(health.logged_errors(0).range().first_sector(), 80U);
  EXPECT_EQ(health.logged_errors(0).range().sector_count(), 8U);
  for (int i = 1; i < 4; ++i) EXPECT_FALSE(health.logged_errors(i).has_range()) << i;
}

TEST(NvmeSelfTests, SayHowTheyEndedAndWhere) {
  nvme_self_test_log log{};
  for (auto& result : log.result) result.dsts = 0x0f;
  log.current_operation = 2;
  log.completion = 30;
  nvme_st_result failed{};
  failed.dsts = 0x17;
  failed.vdi = 3;
  failed.poh = htole64(4711);
  failed.nsid = htole32(1);
  failed.flba = htole64(5);
  std::memcpy(&log.result[0], &failed, sizeof(failed));
  failed.nsid = htole32(2);
  std::memcpy(&log.result[1], &failed, sizeof(failed));
  log.result[2].dsts = 0x28;
  log.result[3].dsts = 0x20;
  auto health = Drive();
  FillFromNvmeSelfTests(log, 1, health);
  ASSERT_EQ(health.self_tests_size(), 5);
  EXPECT_EQ(health.self_tests(0).result(), SelfTest::RESULT_RUNNING);
  EXPECT_EQ(health.self_tests(0).kind(), SelfTest::KIND_EXTENDED);
  EXPECT_EQ(health.self_tests(0).remaining_percent(), 70U);
  EXPECT_EQ(health.self_tests(1).result(), SelfTest::RESULT_READ_FAILURE);
  EXPECT_EQ(health.self_tests(1).kind(), SelfTest::KIND_SHORT);
  EXPECT_EQ(health.self_tests(1).first_error().first_sector(), 40U);
  EXPECT_EQ(health.self_tests(1).power_on_hours(), 4711U);
  EXPECT_EQ(health.self_tests(2).result(), SelfTest::RESULT_OTHER_FAILURE);
  EXPECT_EQ(health.self_tests(3).result(), SelfTest::RESULT_ABORTED);
  EXPECT_EQ(health.self_tests(4).result(), SelfTest::RESULT_PASSED);
}

}  // namespace
}  // namespace remapfleet::agent
