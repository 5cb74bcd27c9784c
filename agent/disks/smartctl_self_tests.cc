#include "agent/disks/sectors.h"
#include "agent/disks/smartctl_logs.h"

namespace remapfleet::agent {
namespace {

using Json = JsonReader::Json;
using v1::SelfTest;

SelfTest::Kind AtaKind(std::uint64_t type) {
  switch (type & 0x7f) {
    case 0:
      return SelfTest::KIND_OFFLINE;
    case 1:
      return SelfTest::KIND_SHORT;
    case 2:
      return SelfTest::KIND_EXTENDED;
    case 3:
      return SelfTest::KIND_CONVEYANCE;
    case 4:
      return SelfTest::KIND_SELECTIVE;
    default:
      return SelfTest::KIND_UNSPECIFIED;
  }
}

// The upper half of the self-test execution status.
SelfTest::Result AtaResult(std::uint64_t status) {
  switch (status >> 4) {
    case 0:
      return SelfTest::RESULT_PASSED;
    case 1:
    case 2:
    case 3:
      return SelfTest::RESULT_ABORTED;
    case 4:
    case 5:
    case 6:
    case 8:
      return SelfTest::RESULT_OTHER_FAILURE;
    case 7:
      return SelfTest::RESULT_READ_FAILURE;
    case 15:
      return SelfTest::RESULT_RUNNING;
    default:
      return SelfTest::RESULT_UNSPECIFIED;
  }
}

void FillAtaSelfTests(const JsonReader& reader, v1::DriveHealth& health) {
  const bool extended = reader.Find("ata_smart_self_test_log.extended.table") != nullptr;
  for (const Json* row : reader.Entries(extended ? "ata_smart_self_test_log.extended.table"
                                                 : "ata_smart_self_test_log.standard.table")) {
    const JsonReader entry(*row, reader.odd());
    SelfTest& test = *health.add_self_tests();
    if (const auto type = entry.Number("type.value")) test.set_kind(AtaKind(*type));
    if (const auto status = entry.Number("status.value")) test.set_result(AtaResult(*status));
    if (const auto left = entry.Small("status.remaining_percent"))
      test.set_remaining_percent(*left);
    if (const auto hours = entry.Number("lifetime_hours")) test.set_power_on_hours(*hours);
    test.set_description(entry.Text("status.string"));
    const auto lba = SmartctlLba(entry, "lba");
    if (lba && test.result() == SelfTest::RESULT_READ_FAILURE &&
        !SetSectors(*lba, health.drive(), *test.mutable_first_error())) {
      test.clear_first_error();
    }
  }
}

// SCSI (self-test results page) and NVMe (device self-test log) use the same numbers but for 1 to 3
// and what failed.
SelfTest::Result OtherResult(std::uint64_t result) {
  if (result == 0) return SelfTest::RESULT_PASSED;
  if (result == 15) return SelfTest::RESULT_RUNNING;
  if (result <= 3) return SelfTest::RESULT_ABORTED;
  return SelfTest::RESULT_OTHER_FAILURE;
}

// A failure that names a place is one of reading it.
void SetFailedPlace(std::optional<std::uint64_t> lba, const v1::DriveHealth& health,
                    SelfTest& test) {
  if (!lba || test.result() != SelfTest::RESULT_OTHER_FAILURE) return;
  test.set_result(SelfTest::RESULT_READ_FAILURE);
  if (!SetSectors(*lba, health.drive(), *test.mutable_first_error())) test.clear_first_error();
}

void FillScsiSelfTests(const JsonReader& reader, v1::DriveHealth& health) {
  for (int i = 0; i < 20; ++i) {
    const Json* row = reader.Find(fmt::format("scsi_self_test_{}", i));
    if (row == nullptr) return;
    const JsonReader entry(*row, reader.odd());
    SelfTest& test = *health.add_self_tests();
    const auto code = entry.Number("code.value");
    if (code == 1U || code == 5U) test.set_kind(SelfTest::KIND_SHORT);
    if (code == 2U || code == 6U) test.set_kind(SelfTest::KIND_EXTENDED);
    if (const auto result = entry.Number("result.value")) test.set_result(OtherResult(*result));
    if (const auto hours = entry.Number("power_on_time.hours")) test.set_power_on_hours(*hours);
    test.set_description(entry.Text("result.string"));
    SetFailedPlace(SmartctlLba(entry, "lba_first_failure"), health, test);
  }
}

void FillNvmeSelfTests(const JsonReader& reader, v1::DriveHealth& health) {
  for (const Json* row : reader.Entries("nvme_self_test_log.table")) {
    const JsonReader entry(*row, reader.odd());
    const auto result = entry.Number("self_test_result.value");
    if (result == 15U) continue;  // an entry that is not used
    SelfTest& test = *health.add_self_tests();
    const auto code = entry.Number("self_test_code.value");
    if (code == 1U) test.set_kind(SelfTest::KIND_SHORT);
    if (code == 2U) test.set_kind(SelfTest::KIND_EXTENDED);
    // 1 to 4, 8 and 9: ended by a command, a reset or a namespace that went away
    if (result) {
      test.set_result(*result == 4 || *result == 8 || *result == 9 ? SelfTest::RESULT_ABORTED
                                                                   : OtherResult(*result));
    }
    if (const auto hours = entry.Number("power_on_hours")) test.set_power_on_hours(*hours);
    test.set_description(entry.Text("self_test_result.string"));
    SetFailedPlace(SmartctlLba(entry, "lba"), health, test);
  }
}

// What is running now stands beside ATA's and NVMe's logs, not in them.
void FillRunning(const JsonReader& reader, v1::DriveHealth& health) {
  const auto ata = reader.Number("ata_smart_data.self_test.status.value");
  const auto nvme = reader.Number("nvme_self_test_log.current_self_test_operation.value");
  if ((!ata || *ata >> 4 != 15) && (!nvme || *nvme == 0)) return;
  SelfTest& test = *health.add_self_tests();
  test.set_result(SelfTest::RESULT_RUNNING);
  if (ata) {
    const auto left = reader.Small("ata_smart_data.self_test.status.remaining_percent");
    if (left) test.set_remaining_percent(*left);
    test.set_description(reader.Text("ata_smart_data.self_test.status.string"));
    return;
  }
  if (*nvme == 1) test.set_kind(SelfTest::KIND_SHORT);
  if (*nvme == 2) test.set_kind(SelfTest::KIND_EXTENDED);
  const auto done = reader.Small("nvme_self_test_log.current_self_test_completion_percent");
  if (done && *done <= 100) test.set_remaining_percent(100 - *done);
  test.set_description(reader.Text("nvme_self_test_log.current_self_test_operation.string"));
}

}  // namespace

void FillSelfTests(const JsonReader& reader, v1::DriveHealth& health) {
  FillRunning(reader, health);
  FillAtaSelfTests(reader, health);
  FillScsiSelfTests(reader, health);
  FillNvmeSelfTests(reader, health);
}

}  // namespace remapfleet::agent
