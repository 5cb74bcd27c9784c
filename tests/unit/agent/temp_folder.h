#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace remapfleet::agent {

// A folder of a test's own, gone with it: tests run beside each other, each in its process.
class TempFolder {
 public:
  TempFolder() {
    std::string name = testing::TempDir() + "/remapfleet.XXXXXX";
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no folder like " << name;
    path_ = name;
  }
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace remapfleet::agent
