#include <fcntl.h>
#include <fmt/format.h>
#include <libnvme.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/disks/nvme_logs.h"
#include "agent/disks/smart_source.h"
#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

// What libnvme returns: a status of the drive's, or -1 and errno.
void Problem(v1::DriveHealth& health, const char* what, int result) {
  const int error = errno;
  health.add_problems(fmt::format(
      "{}: {}", what, result > 0 ? nvme_status_to_string(result, false) : std::strerror(error)));
}

class NvmeSmartSource final : public SmartSource {
 public:
  void Read(const Drive& drive, v1::DriveHealth& health) override {
    health.set_protocol(v1::DriveHealth::PROTOCOL_NVME);
    const UniqueFd fd(open(drive.identity.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return Problem(health, "opening it for SMART", -1);
    nvme_smart_log smart{};
    if (const int r = nvme_get_log_smart(fd.get(), NVME_NSID_ALL, kRetainEvents, &smart)) {
      return Problem(health, "SMART log", r);
    }
    FillFromNvmeSmart(smart, health);
    ReadOtherLogs(fd.get(), health);
  }

 private:
  // An event that a log tells of stays for others to see.
  static constexpr bool kRetainEvents = true;

  static void ReadOtherLogs(int fd, v1::DriveHealth& health) {
    std::uint32_t nsid = 0;
    if (const int r = nvme_get_nsid(fd, &nsid)) return Problem(health, "namespace", r);
    nvme_id_ctrl controller{};
    if (const int r = nvme_identify_ctrl(fd, &controller)) {
      return Problem(health, "IDENTIFY", r);
    }
    constexpr unsigned kMostErrors = 64;  // 4 KiB, which every drive gives at once
    std::vector<nvme_error_log_page> errors(std::min<unsigned>(controller.elpe + 1U, kMostErrors));
    if (const int r = nvme_get_log_error(fd, static_cast<unsigned>(errors.size()), kRetainEvents,
                                         errors.data())) {
      Problem(health, "error log", r);
    } else {
      FillFromNvmeErrors(errors, nsid, health);
    }
    if ((le16toh(controller.oacs) & NVME_CTRL_OACS_SELF_TEST) == 0) return;
    nvme_self_test_log tests{};
    if (const int r = nvme_get_log_device_self_test(fd, &tests)) {
      Problem(health, "self-test log", r);
    } else {
      FillFromNvmeSelfTests(tests, nsid, health);
    }
  }
};

}  // namespace

std::unique_ptr<SmartSource> MakeNvmeSmartSource() { return std::make_unique<NvmeSmartSource>(); }

}  // namespace remapfleet::agent
