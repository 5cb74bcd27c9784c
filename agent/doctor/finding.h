#pragma once

#include <string>
#include <vector>

namespace remapfleet::agent {

// What one check found. `text` is for people, and says what to do where something is to be done.
struct Finding {
  enum class Level { kOk, kWarn, kFail };
  Level level;
  std::string check;  // what was looked at, e.g. "drive /dev/sda"
  std::string text;
};
using Findings = std::vector<Finding>;

}  // namespace remapfleet::agent
