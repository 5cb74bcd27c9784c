#include "agent/remap/device_guard.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/posix/unique_fd.h"
#include "agent/remap/device_users.h"

namespace remapfleet::agent {
namespace {

// As much as there is, at least a sector.
Result<std::string> ReadArea(const std::string& path, std::uint64_t sector, std::size_t size) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Fail(Error::FromErrno(errno, path));
  std::string bytes(size, '\0');
  const ssize_t n = pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(sector * 512));
  if (n < 512) return Fail(Error::FromErrno(n < 0 ? errno : ENXIO, "reading " + path));
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}

std::string ValueOf(blkid_probe probe, const char* name) {
  const char* value = nullptr;
  return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 ? value : "";
}

// What libblkid takes the area from a sector on for: "xfs", "a gpt partition table", …; empty if
// for nothing.
Result<std::string> RecogniseData(const std::string& path, std::uint64_t sector) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Fail(Error::FromErrno(errno, path));
  const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(blkid_new_probe(),
                                                                         blkid_free_probe);
  errno = 0;
  if (!probe ||
      blkid_probe_set_device(probe.get(), fd.get(), static_cast<off_t>(sector * 512), 0) != 0) {
    return Fail(Error::FromErrno(errno != 0 ? errno : EIO, "looking for data on " + path));
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  // What has a damaged checksum is still somebody's.
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
  blkid_probe_enable_partitions(probe.get(), 1);
  switch (blkid_do_safeprobe(probe.get())) {
    case 0: {
      const std::string type = ValueOf(probe.get(), "TYPE");
      return type.empty() ? fmt::format("a {} partition table", ValueOf(probe.get(), "PTTYPE"))
                          : type;
    }
    case 1:
      return std::string();
    case -2:
      return std::string("signatures of several kinds of data");
    default:
      return Fail(Error::FromErrno(errno != 0 ? errno : EIO, "looking for data on " + path));
  }
}

class RealDeviceGuard final : public DeviceGuard {
 public:
  Status CheckUnused(const std::string& path) override {
    // O_EXCL on a block device fails while it or a partition of it is mounted or claimed.
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (fd) return {};
    if (errno != EBUSY) return Fail(Error::FromErrno(errno, path));
    const std::string users = UsersOf(path);
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} is in use ({}): unmount it or stop what uses it first", path,
                            users.empty() ? "by a program that has claimed it" : users));
  }

  Status CheckNoForeignData(const std::string& path, std::uint64_t offset_sectors) override {
    // libblkid takes what lies behind the end for empty.
    if (const auto begin = ReadArea(path, offset_sectors, 512); !begin) return Fail(begin.error());
    const auto found = RecogniseData(path, offset_sectors);
    if (!found) return Fail(found.error());
    if (found->empty()) return {};
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} holds {} at sector {}: it is not overwritten; name another "
                            "device, or wipe it (wipefs)",
                            path, *found, offset_sectors));
  }

  Status CheckNotBlank(const std::string& path, std::uint64_t offset_sectors,
                       std::uint64_t length_sectors) override {
    // Where the target looks: 8 KiB at either end of the area's whole pages.
    constexpr std::size_t kEndBytes = 8192;
    const std::uint64_t whole = length_sectors / 8 * 8;
    for (const std::uint64_t at : {std::uint64_t{0}, whole - std::min<std::uint64_t>(whole, 16)}) {
      const auto bytes = ReadArea(path, offset_sectors + at, kEndBytes);
      if (!bytes) return Fail(bytes.error());
      if (bytes->find_first_not_of('\0') != std::string::npos) return {};
    }
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} is blank at sector {}+{}", path, offset_sectors, length_sectors));
  }
};

}  // namespace

std::unique_ptr<DeviceGuard> MakeDeviceGuard() { return std::make_unique<RealDeviceGuard>(); }

}  // namespace remapfleet::agent
