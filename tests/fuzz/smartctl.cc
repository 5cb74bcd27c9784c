// What `smartctl --json` prints.
#include <cstdint>
#include <string>

#include "agent/disks/smartctl_json.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remapfleet::agent;
  const auto health =
      HealthFromSmartctlJson(std::string(reinterpret_cast<const char*>(data), size));
  if (health) {
    RequireHealth(*health);
  } else {
    Require(!health.error().message().empty());
  }
  return 0;
}
