#include "agent/disks/disk_events.h"

#include <libudev.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <thread>

#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

struct Unref {
  void operator()(udev* context) const { udev_unref(context); }
  void operator()(udev_monitor* monitor) const { udev_monitor_unref(monitor); }
  void operator()(udev_device* device) const { udev_device_unref(device); }
};
using UdevPtr = std::unique_ptr<udev, Unref>;
using MonitorPtr = std::unique_ptr<udev_monitor, Unref>;
using DevicePtr = std::unique_ptr<udev_device, Unref>;

// Every close of a disk that was open for writing is a change, too: only those count that make it
// another disk.
bool Matters(udev_device* device) {
  const char* action = udev_device_get_action(device);
  if (action == nullptr) return false;
  if (std::string_view(action) != "change") return true;
  return udev_device_get_property_value(device, "RESIZE") != nullptr ||
         udev_device_get_property_value(device, "DISK_MEDIA_CHANGE") != nullptr;
}

class UdevEvents final : public DiskEvents {
 public:
  UdevEvents(UdevPtr context, MonitorPtr monitor, std::function<void()> on_event)
      : context_(std::move(context)),
        monitor_(std::move(monitor)),
        stop_(eventfd(0, EFD_CLOEXEC)),
        on_event_(std::move(on_event)),
        thread_([this] { Run(); }) {}
  ~UdevEvents() override {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void Run() {
    std::array<pollfd, 2> fds = {
        {{udev_monitor_get_fd(monitor_.get()), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    for (;;) {
      if (poll(fds.data(), fds.size(), -1) < 0) {
        if (errno == EINTR) continue;
        break;
      }
      if (fds[1].revents != 0) return;
      if (fds[0].revents == 0) continue;
      errno = 0;
      const DevicePtr device(udev_monitor_receive_device(monitor_.get()));
      if (!device && errno == EBADF) break;
      // More at once than the socket holds: what was lost may have mattered.
      if (device ? Matters(device.get()) : errno == ENOBUFS) on_event_();
    }
    spdlog::error("disk events have stopped: disks are only looked for now and then");
  }

  const UdevPtr context_;
  const MonitorPtr monitor_;
  const UniqueFd stop_;
  const std::function<void()> on_event_;
  std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<DiskEvents>> StartKernelDiskEvents(std::function<void()> on_event) {
  UdevPtr context(udev_new());
  if (!context) return Fail(Error::FromErrno(errno, "libudev"));
  // Udev's events come when its links and permissions are there.
  const bool udevd = access("/run/udev/control", F_OK) == 0;
  MonitorPtr monitor(udev_monitor_new_from_netlink(context.get(), udevd ? "udev" : "kernel"));
  if (!monitor) return Fail(Error::FromErrno(errno, "disk events"));
  if (const int r = udev_monitor_filter_add_match_subsystem_devtype(monitor.get(), "block", "disk");
      r < 0) {
    return Fail(Error::FromErrno(-r, "disk events"));
  }
  if (const int r = udev_monitor_enable_receiving(monitor.get()); r < 0) {
    return Fail(Error::FromErrno(-r, "disk events"));
  }
  return std::make_unique<UdevEvents>(std::move(context), std::move(monitor), std::move(on_event));
}

}  // namespace remapfleet::agent
