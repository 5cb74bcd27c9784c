#pragma once

#include "agent/selftest/schedule.h"
#include "support/toml_config.h"

namespace remapfleet::agent {

// [self_test]. What is wrong, `toml` says when it is finished.
SelfTestPlan ReadSelfTestPlan(TomlConfig& toml);

}  // namespace remapfleet::agent
