#include "agent/self_test_config.h"

namespace remapfleet::agent {
namespace {

using std::chrono::days;
using std::chrono::minutes;

minutes ReadTimeOfDay(TomlConfig& toml, const std::string& key) {
  const std::string text = toml.String(key, "00:00");
  const auto digit = [&](std::size_t i) { return text[i] - '0'; };
  const bool is_time = text.size() == 5 && text[2] == ':' &&
                       text.find_first_not_of("0123456789:") == std::string::npos &&
                       text.find(':') == text.rfind(':');
  const int hour = is_time ? digit(0) * 10 + digit(1) : 24;
  const int minute = is_time ? digit(3) * 10 + digit(4) : 60;
  if (hour > 23 || minute > 59) {
    toml.Refuse(key, key + " must be a time of day from \"00:00\" to \"23:59\"");
    return minutes(0);
  }
  return minutes(hour * 60 + minute);
}

}  // namespace

SelfTestPlan ReadSelfTestPlan(TomlConfig& toml) {
  SelfTestPlan plan;
  plan.enabled = toml.Bool("self_test.enabled", false);
  // Well below the 65536 hours after which ATA logs count anew.
  plan.short_interval = days(toml.Integer("self_test.short_interval_days", 7, 0, 1000));
  plan.extended_interval = days(toml.Integer("self_test.extended_interval_days", 90, 0, 1000));
  plan.window_start = ReadTimeOfDay(toml, "self_test.window_start");
  plan.window_end = ReadTimeOfDay(toml, "self_test.window_end");
  plan.max_per_host = static_cast<unsigned>(toml.Integer("self_test.max_per_host", 1, 1, 1000));
  plan.max_per_enclosure =
      static_cast<unsigned>(toml.Integer("self_test.max_per_enclosure", 1, 1, 1000));
  if (plan.enabled && plan.short_interval == days(0) && plan.extended_interval == days(0)) {
    toml.Refuse("self_test.enabled",
                "self_test.enabled with both intervals 0 leaves nothing to start");
  }
  return plan;
}

}  // namespace remapfleet::agent
