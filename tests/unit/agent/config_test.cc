#include "agent/config.h"

#include <gtest/gtest.h>

namespace remapfleet::agent {
namespace {

constexpr char kHead[] = R"(
state_dir = "/s"
[controller]
address = "c:1"
[tls]
certificate = "c"
key = "k"
ca = "a"
)";

Result<Config> Read(const std::string& rest, const std::string& head = kHead) {
  auto toml = TomlConfig::Parse(head + rest, "agent.toml");
  if (!toml) return Fail(toml.error());
  return ReadConfig(std::move(*toml));
}

TEST(AgentConfig, TheShortestOneHasSafeDefaults) {
  const auto config = Read("");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:9477");
  EXPECT_TRUE(config->drives_allow.empty());
  EXPECT_TRUE(config->devices.empty());
  EXPECT_EQ(config->max_blocks_per_hour, 4096U);
  EXPECT_EQ(config->max_devices_per_hour, 4U);
  EXPECT_EQ(config->max_spare_percent, 80U);
  EXPECT_EQ(config->spool_bytes, 64U << 20);
}

TEST(AgentConfig, ControllersAreOneOrSeveral) {
  EXPECT_EQ(Read("")->controller_addresses, std::vector<std::string>{"c:1"});
  const std::string head = "state_dir = \"/s\"\n[controller]\n";
  const std::string tail = "[tls]\ncertificate = \"c\"\nkey = \"k\"\nca = \"a\"\n";
  const auto several = Read(tail, head + "addresses = [\"b:1\", \"a:1\"]\n");
  ASSERT_TRUE(several) << several.error().message();
  EXPECT_EQ(several->controller_addresses, (std::vector<std::string>{"b:1", "a:1"}));
  for (const std::string bad : {"", "addresses = []\n", "addresses = [\"a:1\", \"a:1\"]\n",
                                "address = \"a:1\"\naddresses = [\"b:1\"]\n"}) {
    EXPECT_FALSE(Read(tail, head + bad)) << bad;
  }
}

TEST(AgentConfig, SelfTestsAreOffUnlessAskedFor) {
  const auto off = Read("");
  ASSERT_TRUE(off);
  EXPECT_FALSE(off->self_test.enabled);
  const auto on = Read(
      "[self_test]\nenabled = true\nshort_interval_days = 1\nwindow_start = \"22:30\"\n"
      "window_end = \"06:05\"\nmax_per_host = 4\nmax_per_enclosure = 2\n");
  ASSERT_TRUE(on) << on.error().message();
  EXPECT_TRUE(on->self_test.enabled);
  EXPECT_EQ(on->self_test.short_interval, std::chrono::days(1));
  EXPECT_EQ(on->self_test.extended_interval, std::chrono::days(90));
  EXPECT_EQ(on->self_test.window_start, std::chrono::minutes(22 * 60 + 30));
  EXPECT_EQ(on->self_test.window_end, std::chrono::minutes(6 * 60 + 5));
  EXPECT_EQ(on->self_test.max_per_host, 4U);
  EXPECT_EQ(on->self_test.max_per_enclosure, 2U);
}

TEST(AgentConfig, TheShippedExampleIsGood) {
  const auto config = LoadConfig(AGENT_EXAMPLE_TOML);
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->devices.size(), 1U);
  EXPECT_EQ(config->devices[0].name, "data0");
}

TEST(AgentConfig, WhatIsWrongIsNamedWithItsPlace) {
  const std::string device =
      "[[remap.device]]\nname = \"d\"\ndrive = \"/dev/a\"\nspare = \"/dev/b\"\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[drives]\nalow = [\"/dev/sd*\"]\n", "agent.toml:10:1: "},
      {"[remap]\nmax_spare_percent = 101\n", "agent.toml:10:"},
      {"[remap]\nmax_blocks_per_hour = -1\n", "agent.toml:10:"},
      {device + "data_offset_sectors = 8\n", "at least 2048"},
      {device + "block_size_sectors = 12\n", "power of two"},
      {device + "spare_offset_sectors = 18014398509481985\n", "agent.toml:"},
      {device + device, "already taken"},
      {"[[remap.device]]\nname = \"D/\"\ndrive = \"a\"\nspare = \"b\"\n", "must be 1 to 64 of"},
      {"[[remap.device]]\nname = \"d\"\ndrive = \"a\"\nspare = \"a\"\n",
       "must not be the drive itself"},
      {"[[remap.device]]\nname = \"d\"\ndrive = \"a\"\n", "spare"},
      {"[remap]\nload_module = \"yes\"\n", "agent.toml:10:"},
      {"[[drives.member]]\ndevice = \"sda\"\ntype = \"cciss,0\"\n", "must be a node"},
      {"[[drives.member]]\ndevice = \"/dev/sda\"\ntype = \"--scan\"\n", "what smartctl's -d"},
      {"[drives]\nanswer_timeout_s = 0\n", "agent.toml:10:"},
      {"[self_test]\nmax_per_host = 0\n", "agent.toml:10:"},
      {"[self_test]\nmax_per_enclosure = 0\n", "agent.toml:10:"},
      {"[self_test]\nshort_interval_days = -1\n", "agent.toml:10:"},
      {"[self_test]\nwindow_start = \"24:00\"\n", "a time of day"},
      {"[self_test]\nwindow_end = \"7:00\"\n", "a time of day"},
      {"[self_test]\nenabled = true\nshort_interval_days = 0\nextended_interval_days = 0\n",
       "nothing to start"},
  };
  for (const auto& [text, says] : cases) {
    const auto config = Read(text);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code(), Code::kInvalidArgument) << text;
    EXPECT_NE(config.error().message().find(says), std::string::npos)
        << text << config.error().message();
  }
  EXPECT_FALSE(Read("", ""));
}

}  // namespace
}  // namespace remapfleet::agent
