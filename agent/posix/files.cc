#include "agent/posix/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {

Result<std::string> ReadFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Fail(Error::FromErrno(errno, path));
  std::string contents;
  char buffer[16384];
  while (true) {
    const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Error::FromErrno(errno, path));
    if (n == 0) return contents;
    contents.append(buffer, static_cast<std::size_t>(n));
  }
}

std::string Trim(std::string_view text) {
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

std::string ReadTrimmed(const std::string& path) {
  const auto contents = ReadFile(path);
  return contents ? Trim(*contents) : std::string();
}

Status WriteAll(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Error::FromErrno(errno, what));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status SyncFolder(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return Fail(Error::FromErrno(errno, path));
  return {};
}

Status WriteFileDurably(const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".tmp";
  {
    const UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd) return Fail(Error::FromErrno(errno, temporary));
    if (auto written = WriteAll(fd.get(), contents, temporary); !written) return written;
    if (fsync(fd.get()) != 0) return Fail(Error::FromErrno(errno, temporary));
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return Fail(Error::FromErrno(errno, path));
  return SyncFolder(std::filesystem::path(path).parent_path());
}

Status WriteKernelFile(const std::string& path, std::string_view contents) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return Fail(Error::FromErrno(errno, path));
  const ssize_t n = write(fd.get(), contents.data(), contents.size());
  if (n != static_cast<ssize_t>(contents.size())) return Fail(Error::FromErrno(errno, path));
  return {};
}

Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Fail(Error::FromErrno(error.value(), path));
  if (chmod(path.c_str(), 0700) != 0) return Fail(Error::FromErrno(errno, path));
  return {};
}

Result<UniqueFd> LockFolder(const std::string& path) {
  if (auto made = MakeFolder(path); !made) return Fail(made.error());
  const std::string name = path + "/lock";
  UniqueFd fd(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return Fail(Error::FromErrno(errno, name));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Fail(Error::FromErrno(errno, name));
    return Fail(Code::kFailedPrecondition,
                path + " is in use by process " + ReadTrimmed(name) +
                    ": stop that one, or give this one a state_dir of its own");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd.get(), 0) != 0) return Fail(Error::FromErrno(errno, name));
  if (auto written = WriteAll(fd.get(), pid, name); !written) return Fail(written.error());
  return fd;
}

Result<UniqueFd> AwaitLock(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return Fail(Error::FromErrno(errno, path));
  while (flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return Fail(Error::FromErrno(errno, path));
  }
  return fd;
}

std::string ReadBootId() { return ReadTrimmed("/proc/sys/kernel/random/boot_id"); }

}  // namespace remapfleet::agent
