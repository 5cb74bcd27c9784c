#include "agent/remap/device_guard.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

constexpr std::array<Signature, 11> kSignatures = {{
    {0x438, "\x53\xef", "an ext2/3/4 file system"},
    {0, "XFSB", "an XFS file system"},
    {0x10040, "_BHRfS_M", "a btrfs file system"},
    {512, "LABELONE", "an LVM volume"},
    {0, "LUKS\xba\xbe", "a LUKS volume"},
    {512, "EFI PART", "a GPT partition table"},
    {0x1000, std::string_view("\xfc\x4e\x2b\xa9", 4), "an md array member"},
    {0xff6, "SWAPSPACE2", "swap space"},
    {0x410, std::string_view("\x10\x20\xf5\xf2", 4), "an F2FS file system"},
    {3, "NTFS", "an NTFS file system"},
    // Last: boot sectors of file systems end so, too.
    {510, "\x55\xaa", "a partition table"},
}};

std::string HoldersOf(const std::string& path) {
  std::string names;
  std::error_code error;
  const auto name = std::filesystem::path(path).filename().string();
  for (const auto& entry :
       std::filesystem::directory_iterator("/sys/class/block/" + name + "/holders", error)) {
    names += (names.empty() ? "" : ", ") + entry.path().filename().string();
  }
  return names;
}

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

class RealDeviceGuard final : public DeviceGuard {
 public:
  Status CheckUnused(const std::string& path) override {
    // O_EXCL on a block device fails while it or a partition of it is mounted or claimed.
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (fd) return {};
    if (errno != EBUSY) return Fail(Error::FromErrno(errno, path));
    const std::string holders = HoldersOf(path);
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} is in use ({}): unmount it or stop what uses it first", path,
                            holders.empty() ? "mounted or held" : "held by " + holders));
  }

  Status CheckNoForeignData(const std::string& path, std::uint64_t offset_sectors) override {
    const auto bytes = ReadArea(path, offset_sectors, 128 << 10);
    if (!bytes) return Fail(bytes.error());
    const std::string_view found = RecogniseData(*bytes);
    if (found.empty()) return {};
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} holds {} at sector {}: it is not overwritten; name another "
                            "device, or wipe it (wipefs)",
                            path, found, offset_sectors));
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

std::string_view RecogniseData(std::string_view bytes) {
  for (const Signature& signature : kSignatures) {
    if (bytes.size() >= signature.offset + signature.bytes.size() &&
        bytes.substr(signature.offset, signature.bytes.size()) == signature.bytes) {
      return signature.name;
    }
  }
  return {};
}

std::unique_ptr<DeviceGuard> MakeDeviceGuard() { return std::make_unique<RealDeviceGuard>(); }

}  // namespace remapfleet::agent
