// NVMe's log pages as a drive gave them: SMART, self-tests, then entries of the error log.
#include "agent/disks/nvme_logs.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/fuzz/require.h"

namespace {

// As much of it as there is; the rest is zero, as in a page that was cut off.
template <class T>
T Take(const std::uint8_t*& data, std::size_t& size) {
  T value{};
  const std::size_t n = std::min(size, sizeof(T));
  std::memcpy(&value, data, n);
  data += n;
  size -= n;
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remapfleet;
  v1::DriveHealth health;
  health.mutable_drive()->set_drive_id("fuzzed");
  health.mutable_drive()->set_size_bytes(std::uint64_t{1} << 40);
  health.mutable_drive()->set_logical_block_bytes(512);
  agent::FillFromNvmeSmart(Take<nvme_smart_log>(data, size), health);
  agent::FillFromNvmeSelfTests(Take<nvme_self_test_log>(data, size), 1, health);
  std::vector<nvme_error_log_page> errors;
  while (size > 0) errors.push_back(Take<nvme_error_log_page>(data, size));
  agent::FillFromNvmeErrors(errors, 1, health);
  agent::RequireHealth(health);
  return 0;
}
