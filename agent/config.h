#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/selftest/schedule.h"
#include "support/toml_config.h"

namespace remapfleet::agent {

// One [[remap.device]].
struct RemapDeviceConfig {
  std::string name;
  std::string drive;  // drive id or /dev path
  std::string spare;  // drive id or /dev path
  std::uint64_t spare_offset_sectors = 0;
  std::uint64_t spare_length_sectors = 0;  // 0: the rest of the spare
  std::uint64_t data_offset_sectors = 0;
  std::uint64_t block_size_sectors = 0;  // 0: the target's default
};

// One [[drives.member]]: a drive behind a RAID controller.
struct MemberConfig {
  std::string device;  // the node that smartctl talks through
  std::string type;    // smartctl's -d
};

// agent.toml. Only `ReadConfig` makes one, so that it always holds together.
struct Config {
  std::string state_dir;
  std::vector<std::string> controller_addresses;  // at least one
  std::string controller_server_name;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_ca;
  std::string metrics_listen;  // empty: no exporter
  std::string log_level = "info";
  std::vector<std::string> drives_allow;
  std::chrono::seconds health_interval{300};
  std::chrono::seconds answer_timeout{30};
  std::string smartctl;
  std::vector<MemberConfig> members;
  SelfTestPlan self_test;
  std::uint64_t spool_bytes = 0;
  std::string module;
  bool load_module = true;
  std::uint64_t max_blocks_per_hour = 0;
  std::uint64_t max_devices_per_hour = 0;
  unsigned max_spare_percent = 0;
  std::vector<RemapDeviceConfig> devices;
};

// Errors start with "file:line:column: ".
Result<Config> ReadConfig(TomlConfig toml);
Result<Config> LoadConfig(const std::string& path);

}  // namespace remapfleet::agent
