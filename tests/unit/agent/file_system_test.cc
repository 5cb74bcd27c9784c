#include "agent/posix/file_system.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agent/posix/files.h"
#include "support/ids.h"
#include "tests/fakes/fake_files.h"

namespace remapfleet::agent {
namespace {

using Make = std::unique_ptr<FileSystem> (*)();

// What both file systems, the real one in a temporary folder and the one in memory, must do.
class FileSystemContract : public testing::TestWithParam<Make> {
 protected:
  FileSystemContract() : files_(GetParam()()), folder_(testing::TempDir() + "files-" + NewUuid()) {
    EXPECT_TRUE(files_->MakeFolder(folder_ + "/a"));
  }
  ~FileSystemContract() override { std::filesystem::remove_all(folder_); }
  std::string At(const std::string& name) const { return folder_ + "/a/" + name; }

  const std::unique_ptr<FileSystem> files_;
  const std::string folder_;
};

TEST_P(FileSystemContract, AMissingFileIsNotFound) {
  EXPECT_EQ(files_->Read(At("x")).error().code(), Code::kNotFound);
  EXPECT_EQ(files_->ReadAt(At("x"), 0, 1).error().code(), Code::kNotFound);
  EXPECT_EQ(files_->Remove(At("x")).error().code(), Code::kNotFound);
  EXPECT_EQ(files_->Rename(At("x"), At("y")).error().code(), Code::kNotFound);
}

TEST_P(FileSystemContract, WhatWasWrittenIsReadAndReplacedAsAWhole) {
  ASSERT_TRUE(files_->WriteDurably(At("x"), "first and long"));
  ASSERT_TRUE(files_->WriteDurably(At("x"), std::string("\0second", 7)));
  EXPECT_EQ(*files_->Read(At("x")), std::string("\0second", 7));
  EXPECT_EQ(*files_->ReadAt(At("x"), 3, 2), "co");
  EXPECT_EQ(files_->ReadAt(At("x"), 6, 2).error().code(), Code::kOutOfRange);
  EXPECT_EQ(*files_->List(folder_ + "/a"), (std::vector<std::string>{"x"}));
}

TEST_P(FileSystemContract, AnAppendFileGrowsAndIsCut) {
  auto file = files_->CreateAppend(At("x"));
  ASSERT_TRUE(file);
  EXPECT_EQ(files_->CreateAppend(At("x")).error().code(), Code::kAlreadyExists);
  ASSERT_TRUE((*file)->Append("abc"));
  ASSERT_TRUE((*file)->Append("def"));
  ASSERT_TRUE((*file)->Sync());
  EXPECT_EQ(*files_->Read(At("x")), "abcdef");
  ASSERT_TRUE((*file)->Truncate(2));
  ASSERT_TRUE((*file)->Append("Z"));
  EXPECT_EQ(*files_->Read(At("x")), "abZ");
}

TEST_P(FileSystemContract, RenamedAndRemovedFilesAreWhereTheyShouldBe) {
  ASSERT_TRUE(files_->WriteDurably(At("b"), "1"));
  ASSERT_TRUE(files_->WriteDurably(At("a"), "2"));
  ASSERT_TRUE(files_->Rename(At("b"), At("c")));
  EXPECT_EQ(*files_->List(folder_ + "/a"), (std::vector<std::string>{"a", "c"}));
  ASSERT_TRUE(files_->Remove(At("a")));
  EXPECT_EQ(*files_->List(folder_ + "/a"), (std::vector<std::string>{"c"}));
  EXPECT_EQ(*files_->Read(At("c")), "1");
}

TEST(LockFolder, IsHeldByOneAndItSaysByWhom) {
  const std::string folder = testing::TempDir() + "lock-" + NewUuid();
  {
    const auto first = LockFolder(folder);
    ASSERT_TRUE(first) << first.error().message();
    const auto second = LockFolder(folder);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Code::kFailedPrecondition);
    EXPECT_NE(second.error().message().find("process " + std::to_string(getpid())),
              std::string::npos);
  }
  EXPECT_TRUE(LockFolder(folder));
  std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(, FileSystemContract,
                         testing::Values(Make([] { return MakeFileSystem(); }),
                                         Make([]() -> std::unique_ptr<FileSystem> {
                                           return std::make_unique<FakeFileSystem>();
                                         })),
                         [](const auto& which) { return which.index == 0 ? "Real" : "Fake"; });

}  // namespace
}  // namespace remapfleet::agent
