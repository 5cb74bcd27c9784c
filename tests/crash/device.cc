#include "tests/crash/device.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace remapfleet::crash {
namespace {

constexpr std::uint64_t kSector = 512;

void Dmsetup(const std::string& arguments, const std::string& input) {
  FILE* pipe = popen(("dmsetup " + arguments).c_str(), "w");
  if (pipe == nullptr) Die("cannot run dmsetup");
  std::fputs(input.c_str(), pipe);
  if (pclose(pipe) != 0) Die("dmsetup " + arguments + " failed, with\n" + input);
}

}  // namespace

void Die(const std::string& what) {
  std::fprintf(stderr, "crash_workload: %s\n", what.c_str());
  std::_Exit(1);
}

Mapped::Mapped(std::string name)
    : name_(std::move(name)), control_(open("/dev/mapper/control", O_RDWR | O_CLOEXEC)) {
  if (control_ < 0) Die("no /dev/mapper/control");
}

Mapped::~Mapped() { close(control_); }

int Mapped::Send(const std::string& text) const {
  std::vector<char> memory(sizeof(dm_ioctl) + sizeof(dm_target_msg) + 4096);
  auto* io = reinterpret_cast<dm_ioctl*>(memory.data());
  io->version[0] = DM_VERSION_MAJOR;
  io->data_size = static_cast<std::uint32_t>(memory.size());
  io->data_start = sizeof(dm_ioctl);
  std::snprintf(io->name, sizeof(io->name), "%s", name_.c_str());
  std::memcpy(memory.data() + sizeof(dm_ioctl) + sizeof(dm_target_msg), text.c_str(),
              text.size() + 1);
  return ioctl(control_, DM_TARGET_MSG, memory.data()) == 0 ? 0 : errno;
}

void Mapped::Reload(const std::string& table) const {
  Dmsetup("load " + name_, table);
  Dmsetup("resume " + name_, "");
}

void Mapped::SuspendAndResume() const {
  Dmsetup("suspend " + name_, "");
  Dmsetup("resume " + name_, "");
}

Disk::Disk(const std::string& path)
    : fd_(open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)),
      buffer_(static_cast<std::uint8_t*>(std::aligned_alloc(4096, kMost * kSector))) {
  if (fd_ < 0 || buffer_ == nullptr) Die("cannot open " + path);
  if (syscall(SYS_io_setup, 1, &context_) != 0) Die("io_setup failed");
}

Disk::~Disk() {
  syscall(SYS_io_destroy, context_);
  std::free(buffer_);
  close(fd_);
}

int Disk::Do(unsigned opcode, std::uint64_t sector, std::uint64_t n, int flags) {
  iocb control{};
  iocb* list[] = {&control};
  control.aio_lio_opcode = static_cast<std::uint16_t>(opcode);
  control.aio_fildes = static_cast<std::uint32_t>(fd_);
  control.aio_buf = reinterpret_cast<std::uint64_t>(buffer_);
  control.aio_nbytes = n * kSector;
  control.aio_offset = static_cast<std::int64_t>(sector * kSector);
  control.aio_rw_flags = flags;
  if (syscall(SYS_io_submit, context_, 1, list) != 1) return errno;
  io_event event{};
  while (syscall(SYS_io_getevents, context_, 1, 1, &event, nullptr) != 1)
    if (errno != EINTR) Die("io_getevents failed");
  if (event.res < 0) return static_cast<int>(-event.res);
  return event.res == static_cast<std::int64_t>(n * kSector) ? 0 : EIO;
}

int Disk::Write(std::uint64_t sector, std::uint64_t n, bool fua) {
  return Do(IOCB_CMD_PWRITE, sector, n, fua ? RWF_DSYNC : 0);
}

int Disk::Read(std::uint64_t sector, std::uint64_t n) { return Do(IOCB_CMD_PREAD, sector, n, 0); }

int Disk::Flush() { return fdatasync(fd_) == 0 ? 0 : errno; }

int Disk::Discard(std::uint64_t sector, std::uint64_t n) {
  std::uint64_t range[] = {sector * kSector, n * kSector};
  return ioctl(fd_, BLKDISCARD, range) == 0 ? 0 : errno;
}

}  // namespace remapfleet::crash
