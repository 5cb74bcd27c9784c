#pragma once

#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>

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
  // A sector that cannot be read: whatever reads this byte fails, until `path` is written anew.
  void Break(const std::string& path, std::size_t offset);
  // All files together can hold so much; what does not fit is RESOURCE_EXHAUSTED.
  void SetCapacity(std::size_t bytes);
  // Bytes of all files in the folder.
  std::size_t Used(const std::string& folder);

 private:
  class Open;
  struct File {
    std::string bytes;
    std::size_t synced = 0;  // bytes that a power cut leaves
    std::optional<std::size_t> broken = std::nullopt;
  };
  std::size_t Room() const;
  Result<std::string> ReadLocked(const std::string& path, std::size_t offset,
                                 std::optional<std::size_t> size) const;

  std::mutex mutex_;
  std::size_t capacity_ = std::numeric_limits<std::size_t>::max();
  unsigned life_ = 0;  // grows with each power cut
  std::set<std::string> folders_;
  std::map<std::string, File> files_;
  std::map<std::string, File> removed_;
};

}  // namespace remapfleet::agent
