#include "agent/posix/file_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "agent/posix/files.h"
#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

class PosixAppendFile final : public AppendFile {
 public:
  PosixAppendFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override { return WriteAll(fd_.get(), bytes, path_); }
  Status Sync() override {
    if (fdatasync(fd_.get()) != 0) return Fail(Error::FromErrno(errno, path_));
    return {};
  }
  Status Truncate(std::uint64_t size) override {
    if (ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      return Fail(Error::FromErrno(errno, path_));
    }
    return {};
  }

 private:
  const UniqueFd fd_;
  const std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::string> Read(const std::string& path) override { return ReadFile(path); }

  Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                             std::size_t size) override {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return Fail(Error::FromErrno(errno, path));
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n =
          pread(fd.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Fail(Error::FromErrno(errno, path));
      if (n == 0) return Fail(Code::kOutOfRange, path + ": shorter than it should be");
      done += static_cast<std::size_t>(n);
    }
    return bytes;
  }

  Status WriteDurably(const std::string& path, std::string_view contents) override {
    return WriteFileDurably(path, contents);
  }

  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override {
    UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
    if (!fd) return Fail(Error::FromErrno(errno, path));
    if (auto synced = SyncFolder(std::filesystem::path(path).parent_path()); !synced) {
      return Fail(synced.error());
    }
    return std::make_unique<PosixAppendFile>(std::move(fd), path);
  }

  Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0) return Fail(Error::FromErrno(errno, path));
    return {};
  }
  Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) return Fail(Error::FromErrno(errno, from));
    return SyncFolder(std::filesystem::path(to).parent_path());
  }
  Status MakeFolder(const std::string& path) override { return agent::MakeFolder(path); }

  Result<std::vector<std::string>> List(const std::string& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator it(folder, error);
    while (!error && it != std::filesystem::directory_iterator()) {
      names.push_back(it->path().filename());
      it.increment(error);
    }
    if (error) return Fail(Error::FromErrno(error.value(), folder));
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

std::unique_ptr<FileSystem> MakeFileSystem() { return std::make_unique<PosixFileSystem>(); }

}  // namespace remapfleet::agent
