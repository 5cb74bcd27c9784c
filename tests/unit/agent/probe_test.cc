#include "agent/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "agent/disks/smartctl_json.h"
#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;

constexpr char kAta[] = R"({"smartctl":{"exit_status":4,"messages":[{"string":"a warning"}]},
 "device":{"name":"/dev/sda","protocol":"ATA"},"model_name":" ST4000DM000 ","serial_number":"Z1",
 "firmware_version":"CC51","wwn":{"naa":5,"oui":3152,"id":1234567890},
 "user_capacity":{"bytes":4000787030016},"logical_block_size":512,"physical_block_size":4096,
 "smart_status":{"passed":false},"power_on_time":{"hours":37787},"power_cycle_count":7,
 "temperature":{"current":36},"ata_smart_error_log":{"summary":{"count":3}},
 "ata_smart_attributes":{"table":[
  {"id":5,"name":"Reallocated_Sector_Ct","value":100,"worst":99,"thresh":10,
   "raw":{"value":25769803800,"string":"24"}},
  {"id":188,"name":"Command_Timeout","value":255,"worst":0,"thresh":0,
   "raw":{"value":94490722326,"string":"22 22 22"}},
  {"id":300,"raw":{"value":1}},{"name":"no id"}]}})";

TEST(SmartctlJson, AnAtaDriveIsReadAsItStands) {
  const auto health = HealthFromSmartctlJson(kAta);
  ASSERT_TRUE(health) << health.error().message();
  EXPECT_EQ(health->drive().drive_id(), "wwn-0x5000c500499602d2");
  EXPECT_EQ(health->drive().model(), "ST4000DM000");
  EXPECT_EQ(health->drive().size_bytes(), 4000787030016U);
  EXPECT_EQ(health->protocol(), v1::DriveHealth::PROTOCOL_ATA);
  EXPECT_FALSE(health->smart_passed());
  EXPECT_EQ(health->power_on_hours(), 37787U);
  EXPECT_EQ(health->reallocated_sectors(), 24U);  // what stands above the low 32 bits is another's
  EXPECT_FALSE(health->has_pending_sectors());
  ASSERT_EQ(health->attributes_size(), 2);
  EXPECT_EQ(health->attributes(1).raw(), 94490722326U);
  EXPECT_THAT(health->attributes(1).parts(), ElementsAre(22, 22, 22));
  EXPECT_EQ(health->command_timeouts(), 22U);
  EXPECT_FALSE(health->attributes(1).has_current());
  EXPECT_EQ(health->error_log_entries(), 3U);
  EXPECT_EQ(health->problems_size(), 4);
}

TEST(SmartctlJson, ANvmeDriveHasItsOwnCounters) {
  const auto health = HealthFromSmartctlJson(R"({"smartctl":{},"device":{"protocol":"NVMe"},
    "model_name":"P4510","serial_number":"X","nvme_total_capacity":8001563222016,
    "nvme_smart_health_information_log":{"critical_warning":4,"percentage_used":101,
    "media_errors":2,"available_spare":99,"num_err_log_entries":5}})");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->protocol(), v1::DriveHealth::PROTOCOL_NVME);
  EXPECT_EQ(health->critical_warning(), 4U);
  EXPECT_EQ(health->percentage_used(), 101U);
  EXPECT_EQ(health->media_errors(), 2U);
  EXPECT_EQ(health->available_spare_percent(), 99U);
  EXPECT_EQ(health->error_log_entries(), 5U);
  EXPECT_FALSE(health->has_temperature_celsius());
  EXPECT_FALSE(health->has_reallocated_sectors());
}

TEST(SmartctlJson, ASasDriveHasItsOwnCountersAndAVolumeNoTemperature) {
  const auto health = HealthFromSmartctlJson(R"({"smartctl":{},"device":{"protocol":"SCSI"},
    "scsi_vendor":"TOSHIBA","scsi_product":"AL15","serial_number":"Z9",
    "logical_unit_id":"0x5000039ccaccacca","scsi_grown_defect_list":0,
    "temperature":{"current":0,"drive_trip":0},
    "scsi_error_counter_log":{"read":{"total_uncorrected_errors":9}}})");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->drive().model(), "TOSHIBA AL15");
  EXPECT_EQ(health->drive().wwn(), "0x5000039ccaccacca");
  EXPECT_TRUE(health->has_grown_defects());
  EXPECT_EQ(health->grown_defects(), 0U);
  EXPECT_EQ(health->uncorrected_read_errors(), 9U);
  EXPECT_FALSE(health->has_uncorrected_write_errors());
  EXPECT_FALSE(health->has_temperature_celsius());
}

TEST(SmartctlJson, WhatIsOfAnotherTypeIsAProblemAndNoValue) {
  const auto health = HealthFromSmartctlJson(R"({"smartctl":{},"device":{"protocol":7},
    "model_name":"M","serial_number":["x"],"power_on_time":{"hours":-1},"power_cycle_count":"7",
    "temperature":{"current":null},"smart_status":{"passed":1},"ata_smart_attributes":{"table":1},
    "logical_block_size":99999999999})");
  ASSERT_TRUE(health);
  EXPECT_FALSE(health->has_power_on_hours());
  EXPECT_FALSE(health->has_power_cycles());
  EXPECT_FALSE(health->has_smart_passed());
  EXPECT_EQ(health->drive().logical_block_bytes(), 0U);
  EXPECT_EQ(health->problems_size(), 7);
}

TEST(SmartctlJson, WhatDescribesNoDriveIsAnError) {
  for (const char* text :
       {"", "x", "{", "[]", "7", "null", "{}", R"({"smartctl":{},"devices":[]})",
        R"({"smartctl":{"messages":[{"string":"open failed","severity":"error"}]}})",
        "smartctl 7.3 2022-02-28 r5338\n=== START OF INFORMATION SECTION ===\n"}) {
    const auto health = HealthFromSmartctlJson(text);
    ASSERT_FALSE(health) << text;
    EXPECT_EQ(health.error().code(), Code::kInvalidArgument) << text;
  }
}

TEST(SmartctlJson, NoCutOfARecordCrashesOrInventsADrive) {
  const std::string whole = kAta;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(HealthFromSmartctlJson(whole.substr(0, size))) << size;
  }
}

// Real recordings, where the machine has them: DATA is the folder that holds them.
std::string DataFolder(const std::string& name) {
  const char* folder = std::getenv("REMAPFLEET_DATA");
  return folder != nullptr ? std::string(folder) + "/" + name : "";
}

// How many recordings of a folder there are, and how many say what.
using Counts = std::map<std::string, int>;

Counts CountAll(const std::string& folder, Result<v1::DriveHealth> (*probe)(const std::string&)) {
  Counts counts;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".md") continue;
    ++counts["files"];
    const auto health = probe(entry.path());
    if (!health) {
      EXPECT_EQ(health.error().code(), Code::kInvalidArgument) << entry.path();
      continue;
    }
    ++counts["drives"];
    counts["model and serial"] +=
        !health->drive().model().empty() && !health->drive().serial().empty();
    counts["hours"] += health->has_power_on_hours();
    counts["temperature"] += health->has_temperature_celsius();
    counts["counters"] += health->has_reallocated_sectors() || health->has_media_errors() ||
                          health->has_uncorrected_read_errors();
    counts["endurance"] += health->has_percentage_used();
    counts["logged errors"] += health->logged_errors_size() > 0;
    counts["self-tests"] += health->self_tests_size() > 0;
    EXPECT_FALSE(RenderHealth(*health, true).empty());
    if (health->has_temperature_celsius()) {
      EXPECT_THAT(health->temperature_celsius(), AllOf(Ge(10), Le(70))) << entry.path();
    }
  }
  return counts;
}

TEST(Recordings, EverySmartctlOutputOfADriveIsUnderstood) {
  const std::string folder = DataFolder("smartctl_json");
  if (!fs::exists(folder)) GTEST_SKIP() << "REMAPFLEET_DATA has no smartctl_json";
  EXPECT_EQ(CountAll(folder, ProbeSmartctl), (Counts{{"files", 158},
                                                     {"drives", 152},
                                                     {"model and serial", 152},
                                                     {"hours", 148},
                                                     {"temperature", 148},
                                                     {"counters", 146},
                                                     {"endurance", 83},
                                                     {"logged errors", 6},
                                                     {"self-tests", 11}}));
}

TEST(Recordings, EveryBlobOfLibatasmartIsUnderstood) {
  const std::string folder = DataFolder("libatasmart_blobs");
  if (!fs::exists(folder)) GTEST_SKIP() << "REMAPFLEET_DATA has no libatasmart_blobs";
  EXPECT_EQ(CountAll(folder, ProbeBlob), (Counts{{"files", 22},
                                                 {"drives", 22},
                                                 {"model and serial", 22},
                                                 {"hours", 22},
                                                 {"temperature", 17},
                                                 {"counters", 14},
                                                 {"endurance", 4},
                                                 {"logged errors", 0},
                                                 {"self-tests", 0}}));
}

TEST(Recordings, SmartctlsTextIsRefusedWithWhatToDo) {
  for (const char* name : {"smartctl_text", "linuxhw_enterprise/raw"}) {
    const std::string folder = DataFolder(name);
    if (!fs::exists(folder)) GTEST_SKIP() << "REMAPFLEET_DATA has no " << name;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto text = ReadFile(entry.path());
      ASSERT_TRUE(text);
      if (text->starts_with("{")) continue;  // one of them is JSON after all
      const auto health = ProbeSmartctl(entry.path());
      ASSERT_FALSE(health) << entry.path();
      EXPECT_EQ(health.error().code(), Code::kInvalidArgument) << entry.path();
      EXPECT_FALSE(ProbeBlob(entry.path())) << entry.path();
    }
  }
}

}  // namespace
}  // namespace remapfleet::agent
