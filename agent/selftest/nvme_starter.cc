#include <endian.h>
#include <fcntl.h>
#include <libnvme.h>

#include <cerrno>

#include "agent/posix/unique_fd.h"
#include "agent/selftest/starter.h"

namespace remapfleet::agent {
namespace {

// What libnvme returns: a status of the drive's, or -1 and errno.
Status Refusal(const char* what, int result) {
  if (result < 0) return Fail(Error::FromErrno(errno, what));
  return Fail(Code::kUnavailable, std::string(what) + ": " + nvme_status_to_string(result, false));
}

class NvmeStarter final : public SelfTestStarter {
 public:
  Status Start(const Drive& drive, SelfTestKind kind) override {
    const UniqueFd fd(open(drive.identity.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return Refusal("opening it", -1);
    nvme_id_ctrl controller{};
    if (const int r = nvme_identify_ctrl(fd.get(), &controller)) return Refusal("IDENTIFY", r);
    if ((le16toh(controller.oacs) & NVME_CTRL_OACS_SELF_TEST) == 0) {
      return Fail(Code::kUnimplemented, "its controller has no self-test");
    }
    nvme_dev_self_test_args args{};
    args.args_size = sizeof args;
    args.fd = fd.get();
    args.timeout = NVME_DEFAULT_IOCTL_TIMEOUT;
    args.nsid = NVME_NSID_ALL;
    args.stc = kind == SelfTestKind::kShort ? NVME_DST_STC_SHORT : NVME_DST_STC_LONG;
    if (const int r = nvme_dev_self_test(&args)) return Refusal("the self-test", r);
    return {};
  }
};

}  // namespace

std::unique_ptr<SelfTestStarter> MakeNvmeStarter() { return std::make_unique<NvmeStarter>(); }

}  // namespace remapfleet::agent
