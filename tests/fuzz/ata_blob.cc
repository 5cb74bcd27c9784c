// Recordings of libatasmart's: IDENTIFY and SMART pages as a drive gave them.
#include <cstdint>
#include <string>

#include "agent/disks/smart_source.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remapfleet::agent;
  const auto health = HealthFromAtaBlob(std::string(reinterpret_cast<const char*>(data), size));
  if (health) {
    RequireHealth(*health);
  } else {
    Require(!health.error().message().empty());
  }
  return 0;
}
