#include "tests/fakes/fake_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace remapfleet::agent {
namespace {

constexpr std::size_t kSector = 512;

tl::unexpected<Error> Missing(const std::string& path) {
  return Fail(Code::kNotFound, path + ": No such file or directory");
}

tl::unexpected<Error> Full(const std::string& path) { return Fail(Error::FromErrno(ENOSPC, path)); }

}  // namespace

class FakeFileSystem::Open final : public AppendFile {
 public:
  Open(FakeFileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), life_(files.life_) {}

  Status Append(std::string_view bytes) override {
    bool full = false;
    const Status written = With([&](File& file) {
      const std::size_t fits = std::min(files_.Room(), bytes.size());
      full = fits < bytes.size();
      file.bytes += bytes.substr(0, fits);
    });
    return full ? Full(path_) : written;
  }
  Status Sync() override {
    return With([](File& file) { file.synced = file.bytes.size(); });
  }
  Status Truncate(std::uint64_t size) override {
    // The length is as little durable as bytes are.
    return With([&](File& file) {
      file.bytes.resize(size);
      file.synced = std::min<std::size_t>(file.synced, size);
    });
  }

 private:
  template <class Act>
  Status With(Act act) {
    const std::lock_guard lock(files_.mutex_);
    const auto found = files_.files_.find(path_);
    if (life_ != files_.life_ || found == files_.files_.end()) return Missing(path_);
    act(found->second);
    return {};
  }

  FakeFileSystem& files_;
  const std::string path_;
  const unsigned life_;
};

std::size_t FakeFileSystem::Room() const {
  std::size_t used = 0;
  for (const auto& [path, file] : files_) used += file.bytes.size();
  return capacity_ - std::min(used, capacity_);
}

Result<std::string> FakeFileSystem::ReadLocked(const std::string& path, std::size_t offset,
                                               std::optional<std::size_t> size) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return Missing(path);
  const File& file = found->second;
  const std::size_t length = size.value_or(file.bytes.size());
  if (offset + length > file.bytes.size()) return Fail(Code::kOutOfRange, path + ": too short");
  if (file.broken && *file.broken >= offset && *file.broken < offset + length) {
    return Fail(Error::FromErrno(EIO, path));
  }
  return file.bytes.substr(offset, length);
}

Result<std::string> FakeFileSystem::Read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return ReadLocked(path, 0, std::nullopt);
}

Result<std::string> FakeFileSystem::ReadAt(const std::string& path, std::uint64_t offset,
                                           std::size_t size) {
  const std::lock_guard lock(mutex_);
  return ReadLocked(path, offset, size);
}

Status FakeFileSystem::WriteDurably(const std::string& path, std::string_view contents) {
  const std::lock_guard lock(mutex_);
  // Beside the old one, until that is replaced.
  if (Room() < contents.size()) return Full(path);
  files_[path] = {std::string(contents), contents.size()};
  removed_.erase(path);
  return {};
}

Result<std::unique_ptr<AppendFile>> FakeFileSystem::CreateAppend(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!files_.emplace(path, File()).second) return Fail(Code::kAlreadyExists, path + ": exists");
  removed_.erase(path);
  return std::make_unique<Open>(*this, path);
}

Status FakeFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  auto node = files_.extract(path);
  if (node.empty()) return Missing(path);
  removed_[path] = std::move(node.mapped());
  return {};
}

Status FakeFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  auto node = files_.extract(from);
  if (node.empty()) return Missing(from);
  files_[to] = std::move(node.mapped());
  removed_.erase(to);
  return {};
}

Status FakeFileSystem::MakeFolder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  folders_.insert(path);
  return {};
}

Result<std::vector<std::string>> FakeFileSystem::List(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [path, file] : files_) {
    const std::filesystem::path full(path);
    if (full.parent_path() == folder) names.push_back(full.filename());
  }
  if (names.empty() && !folders_.contains(folder)) {
    return Fail(Code::kNotFound, folder + ": no such folder");
  }
  return names;
}

void FakeFileSystem::PowerCut(unsigned seed) {
  const std::lock_guard lock(mutex_);
  ++life_;
  std::minstd_rand random(seed);
  for (auto& [path, file] : removed_) {
    if (random() % 2 == 0) files_.emplace(path, std::move(file));
  }
  removed_.clear();
  for (auto& [path, file] : files_) {
    const std::size_t loose = file.bytes.size() - file.synced;
    file.bytes.resize(file.synced + (loose != 0 ? random() % (loose + 1) : 0));
    // The length may be there before the bytes are, and they come sector by sector, in any order.
    bool there = true;
    for (std::size_t at = file.synced; at < file.bytes.size(); ++at) {
      if (at == file.synced || at % kSector == 0) there = random() % 2 == 0;
      if (!there) file.bytes[at] = '\0';
    }
    file.synced = file.bytes.size();
  }
}

void FakeFileSystem::Break(const std::string& path, std::size_t offset) {
  const std::lock_guard lock(mutex_);
  files_.at(path).broken = offset;
}

void FakeFileSystem::SetCapacity(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::size_t FakeFileSystem::Used(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  std::size_t used = 0;
  for (const auto& [path, file] : files_) {
    if (std::filesystem::path(path).parent_path() == folder) used += file.bytes.size();
  }
  return used;
}

void FakeFileSystem::Damage(const std::string& path, std::size_t offset) {
  const std::lock_guard lock(mutex_);
  files_.at(path).bytes.at(offset) ^= 0x10;
}

}  // namespace remapfleet::agent
