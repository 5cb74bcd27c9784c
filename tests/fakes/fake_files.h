#pragma once

#include <map>
#include <mutex>
#include <random>

#include "agent/posix/file_system.h"

namespace remapfleet::agent {

// Files in memory that know what of them is durable. Thread-safe.
class FakeFileSystem final : public FileSystem {
 public:
  Result<std::string> Read(const std::string& path) override;
  Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                             std::size_t size) override;
  Status WriteDurably(const std::string& path, std::string_view contents) override;
  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status MakeFolder(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& folder) override;

  // What was not synced is lost in part, wherever the cut goes through it; removed files may be
  // back. Open files are dead.
  void PowerCut(unsigned seed);
  // What a disk does to bytes that nobody looks at.
  void Damage(const std::string& path, std::size_t offset);

 private:
  class Open;
  struct File {
    std::string bytes;
    std::size_t synced = 0;  // bytes that a power cut leaves
  };
  std::mutex mutex_;
  unsigned life_ = 0;  // grows with each power cut
  std::map<std::string, File> files_;
  std::map<std::string, File> removed_;
};

}  // namespace remapfleet::agent
