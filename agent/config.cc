#include "agent/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "agent/self_test_config.h"

namespace remapfleet::agent {
namespace {

constexpr std::int64_t kMaxSectors = std::numeric_limits<std::int64_t>::max() / 512;

bool IsDeviceName(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

RemapDeviceConfig ReadDevice(TomlConfig& toml, const std::string& key) {
  RemapDeviceConfig device;
  device.name = toml.RequiredString(key + ".name");
  device.drive = toml.RequiredString(key + ".drive");
  device.spare = toml.RequiredString(key + ".spare");
  const auto sectors = [&](const char* name) {
    return static_cast<std::uint64_t>(toml.Integer(key + name, 0, 0, kMaxSectors));
  };
  device.spare_offset_sectors = sectors(".spare_offset_sectors");
  device.spare_length_sectors = sectors(".spare_length_sectors");
  device.data_offset_sectors = sectors(".data_offset_sectors");
  device.block_size_sectors =
      static_cast<std::uint64_t>(toml.Integer(key + ".block_size_sectors", 0, 0, 64));
  if (!IsDeviceName(device.name)) {
    toml.Refuse(key + ".name", key + ".name must be 1 to 64 of a-z, 0-9, '_', '-'");
  }
  if (device.data_offset_sectors != 0 && device.data_offset_sectors < 2048) {
    toml.Refuse(key + ".data_offset_sectors",
                key + ".data_offset_sectors must be 0 (adopt in place) or at least 2048");
  }
  if ((device.block_size_sectors & (device.block_size_sectors - 1)) != 0) {
    toml.Refuse(key + ".block_size_sectors", key + ".block_size_sectors must be a power of two");
  }
  if (device.drive == device.spare) {
    toml.Refuse(key + ".spare", key + ".spare must not be the drive itself");
  }
  return device;
}

MemberConfig ReadMember(TomlConfig& toml, const std::string& key) {
  MemberConfig member{toml.RequiredString(key + ".device"), toml.RequiredString(key + ".type")};
  // They become arguments of a program.
  if (!member.device.starts_with("/dev/")) {
    toml.Refuse(key + ".device", key + ".device must be a node, e.g. \"/dev/bus/0\"");
  }
  if (member.type.empty() || !std::all_of(member.type.begin(), member.type.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ',' || c == '/' || c == '+';
      })) {
    toml.Refuse(key + ".type", key + ".type must be what smartctl's -d takes, e.g. \"megaraid,4\"");
  }
  return member;
}

bool IsLogLevel(const std::string& level) {
  return level == "debug" || level == "info" || level == "warning" || level == "error";
}

// One, or several in the order of preference.
std::vector<std::string> ReadAddresses(TomlConfig& toml) {
  std::vector<std::string> addresses = toml.Strings("controller.addresses");
  if (addresses.empty()) return {toml.RequiredString("controller.address")};
  if (!toml.String("controller.address", "").empty()) {
    toml.Refuse("controller.addresses",
                "give controller.address or controller.addresses, not both");
  }
  if (std::set<std::string>(addresses.begin(), addresses.end()).size() != addresses.size()) {
    toml.Refuse("controller.addresses", "controller.addresses names one twice");
  }
  return addresses;
}

}  // namespace

Result<Config> ReadConfig(TomlConfig toml) {
  Config config;
  config.state_dir = toml.RequiredString("state_dir");
  config.controller_addresses = ReadAddresses(toml);
  config.controller_server_name = toml.String("controller.server_name", "");
  config.tls_certificate = toml.RequiredString("tls.certificate");
  config.tls_key = toml.RequiredString("tls.key");
  config.tls_ca = toml.RequiredString("tls.ca");
  config.metrics_listen = toml.String("metrics.listen", "127.0.0.1:9477");
  config.log_level = toml.String("log.level", "info");
  if (!IsLogLevel(config.log_level)) {
    toml.Refuse("log.level", "log.level must be \"debug\", \"info\", \"warning\" or \"error\"");
  }
  config.drives_allow = toml.Strings("drives.allow");
  config.health_interval =
      std::chrono::seconds(toml.Integer("drives.health_interval_s", 300, 1, 86400));
  config.answer_timeout = std::chrono::seconds(toml.Integer("drives.answer_timeout_s", 30, 1, 600));
  config.smartctl = toml.String("drives.smartctl", "/usr/sbin/smartctl");
  for (std::size_t i = 0; i < toml.TableCount("drives.member"); ++i) {
    config.members.push_back(ReadMember(toml, fmt::format("drives.member[{}]", i)));
  }
  config.self_test = ReadSelfTestPlan(toml);
  config.spool_bytes = static_cast<std::uint64_t>(toml.Integer("spool.max_mib", 64, 1, 65536))
                       << 20;
  config.module = toml.String("remap.module", "dm-remap");
  config.load_module = toml.Bool("remap.load_module", true);
  config.max_blocks_per_hour =
      static_cast<std::uint64_t>(toml.Integer("remap.max_blocks_per_hour", 4096, 0, 1'000'000'000));
  config.max_devices_per_hour =
      static_cast<std::uint64_t>(toml.Integer("remap.max_devices_per_hour", 4, 0, 1'000'000));
  config.max_spare_percent =
      static_cast<unsigned>(toml.Integer("remap.max_spare_percent", 80, 0, 100));
  std::set<std::string> names;
  for (std::size_t i = 0; i < toml.TableCount("remap.device"); ++i) {
    const std::string key = fmt::format("remap.device[{}]", i);
    config.devices.push_back(ReadDevice(toml, key));
    if (!names.insert(config.devices.back().name).second) {
      toml.Refuse(key + ".name",
                  fmt::format("{}.name \"{}\" is already taken", key, config.devices.back().name));
    }
  }
  if (auto finished = toml.Finish(); !finished) return Fail(finished.error());
  return config;
}

Result<Config> LoadConfig(const std::string& path) {
  auto toml = TomlConfig::Load(path);
  if (!toml) return Fail(toml.error());
  return ReadConfig(std::move(*toml));
}

}  // namespace remapfleet::agent
