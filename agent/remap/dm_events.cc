#include "agent/remap/dm_events.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <thread>

#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

// libdevmapper has no call for this: the file descriptor becomes readable once an event is newer
// than this moment.
bool Arm(int control) {
  dm_ioctl request{};
  request.version[0] = DM_VERSION_MAJOR;
  request.version[1] = 37;  // the first that has it
  request.data_size = sizeof(request);
  return ioctl(control, DM_DEV_ARM_POLL, &request) == 0;
}

class KernelDmEvents final : public DmEvents {
 public:
  KernelDmEvents(UniqueFd control, std::function<void()> on_event)
      : control_(std::move(control)),
        stop_(eventfd(0, EFD_CLOEXEC)),
        on_event_(std::move(on_event)),
        thread_([this] { Run(); }) {}
  ~KernelDmEvents() override {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void Run() {
    std::array<pollfd, 2> fds = {{{control_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    for (;;) {
      if (poll(fds.data(), fds.size(), -1) < 0) {
        if (errno == EINTR) continue;
        break;
      }
      if (fds[1].revents != 0) return;
      if (fds[0].revents == 0) continue;
      // Armed before looking: what happens meanwhile wakes us again.
      if (!Arm(control_.get())) break;
      on_event_();
    }
    spdlog::error(
        "device-mapper events have stopped: remap devices are only looked at now and then");
  }

  const UniqueFd control_;
  const UniqueFd stop_;
  const std::function<void()> on_event_;
  std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<DmEvents>> StartKernelDmEvents(std::function<void()> on_event) {
  UniqueFd control(open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
  if (!control) return Fail(Error::FromErrno(errno, "/dev/mapper/control"));
  if (!Arm(control.get())) return Fail(Error::FromErrno(errno, "device-mapper events"));
  return std::make_unique<KernelDmEvents>(std::move(control), std::move(on_event));
}

}  // namespace remapfleet::agent
