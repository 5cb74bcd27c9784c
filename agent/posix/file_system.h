#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace remapfleet::agent {

// A file that only grows. One thread.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // Durable only after `Sync`; a crash before leaves any part of it. After an error, of either, any
  // part of what was not synced may be there.
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status Sync() = 0;
  // Cuts off what is behind `size`.
  virtual Status Truncate(std::uint64_t size) = 0;
};

// What the agent keeps on disk. Names are whole paths. Thread-safe, except for two threads on one
// path. A missing file is NOT_FOUND and nothing else is.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::string> Read(const std::string& path) = 0;
  // OUT_OF_RANGE if the file ends before.
  virtual Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                                     std::size_t size) = 0;
  // A crash leaves the old or the new contents; durable on return.
  virtual Status WriteDurably(const std::string& path, std::string_view contents) = 0;
  // ALREADY_EXISTS if there is one. Its name is durable on return.
  virtual Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) = 0;
  // Not durable: a crash may bring it back.
  virtual Status Remove(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // The folder and those above it, for the owner only.
  virtual Status MakeFolder(const std::string& path) = 0;
  // Names of the files in it, sorted.
  virtual Result<std::vector<std::string>> List(const std::string& folder) = 0;
};

std::unique_ptr<FileSystem> MakeFileSystem();

}  // namespace remapfleet::agent
