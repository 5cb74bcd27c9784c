#include "tests/fakes/fake_files.h"

#include <algorithm>
#include <filesystem>

namespace remapfleet::agent {
namespace {

tl::unexpected<Error> Missing(const std::string& path) {
  return Fail(Code::kNotFound, path + ": No such file or directory");
}

}  // namespace

class FakeFileSystem::Open final : public AppendFile {
 public:
  Open(FakeFileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), life_(files.life_) {}

  Status Append(std::string_view bytes) override {
    return With([&](File& file) { file.bytes += bytes; });
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

Result<std::string> FakeFileSystem::Read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end()) return Missing(path);
  return found->second.bytes;
}

Result<std::string> FakeFileSystem::ReadAt(const std::string& path, std::uint64_t offset,
                                           std::size_t size) {
  auto bytes = Read(path);
  if (!bytes) return bytes;
  if (offset + size > bytes->size()) return Fail(Code::kOutOfRange, path + ": too short");
  return bytes->substr(offset, size);
}

Status FakeFileSystem::WriteDurably(const std::string& path, std::string_view contents) {
  const std::lock_guard lock(mutex_);
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

Status FakeFileSystem::MakeFolder(const std::string&) { return {}; }

Result<std::vector<std::string>> FakeFileSystem::List(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [path, file] : files_) {
    const std::filesystem::path full(path);
    if (full.parent_path() == folder) names.push_back(full.filename());
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
    // The length may be there before the bytes are.
    if (random() % 2 == 0) {
      std::fill(file.bytes.begin() + static_cast<std::ptrdiff_t>(file.synced), file.bytes.end(),
                '\0');
    }
    file.synced = file.bytes.size();
  }
}

void FakeFileSystem::Damage(const std::string& path, std::size_t offset) {
  const std::lock_guard lock(mutex_);
  files_.at(path).bytes.at(offset) ^= 0x10;
}

}  // namespace remapfleet::agent
