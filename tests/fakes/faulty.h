#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/posix/file_system.h"
#include "agent/remap/dm_port.h"
#include "tests/fakes/fault_plan.h"

namespace remapfleet::agent {

// Any DmPort, failing by plan. Only what changes something counts as a step.
class FaultyDm final : public DmPort {
 public:
  FaultyDm(DmPort& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::optional<DmInfo>> Info(const std::string& name) override { return inner_.Info(name); }
  Status Create(const std::string& name, const std::string& uuid, const DmTarget& table) override {
    return plan_.Do("create", [&] { return inner_.Create(name, uuid, table); });
  }
  Status Load(const std::string& name, const DmTarget& table) override {
    return plan_.Do("load", [&] { return inner_.Load(name, table); });
  }
  Status Resume(const std::string& name) override {
    return plan_.Do("resume", [&] { return inner_.Resume(name); });
  }
  Result<DmTarget> Table(const std::string& name) override { return inner_.Table(name); }
  Result<DmTarget> StatusOf(const std::string& name) override { return inner_.StatusOf(name); }
  Result<std::string> Message(const std::string& name, const std::string& text) override {
    return plan_.Do(text, [&] { return inner_.Message(name, text); });
  }

 private:
  DmPort& inner_;
  FaultPlan& plan_;
};

class FaultyAppendFile final : public AppendFile {
 public:
  FaultyAppendFile(std::unique_ptr<AppendFile> inner, FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}
  Status Append(std::string_view bytes) override {
    return plan_.Do("append", [&] { return inner_->Append(bytes); });
  }
  Status Sync() override {
    return plan_.Do("sync", [&] { return inner_->Sync(); });
  }
  Status Truncate(std::uint64_t size) override {
    return plan_.Do("truncate", [&] { return inner_->Truncate(size); });
  }

 private:
  const std::unique_ptr<AppendFile> inner_;
  FaultPlan& plan_;
};

// Any FileSystem, failing by plan; reads count as steps too.
class FaultyFileSystem : public FileSystem {
 public:
  FaultyFileSystem(FileSystem& inner, FaultPlan& plan) : inner_(inner), plan_(plan) {}

  Result<std::string> Read(const std::string& path) override {
    return plan_.Do("read " + path, [&] { return inner_.Read(path); });
  }
  Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                             std::size_t size) override {
    return plan_.Do("read " + path, [&] { return inner_.ReadAt(path, offset, size); });
  }
  Status WriteDurably(const std::string& path, std::string_view contents) override {
    return plan_.Do("write " + path, [&] { return inner_.WriteDurably(path, contents); });
  }
  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override {
    return plan_.Do("create " + path, [&]() -> Result<std::unique_ptr<AppendFile>> {
      auto file = inner_.CreateAppend(path);
      if (!file) return Fail(file.error());
      return std::make_unique<FaultyAppendFile>(std::move(*file), plan_);
    });
  }
  Status Remove(const std::string& path) override {
    return plan_.Do("remove " + path, [&] { return inner_.Remove(path); });
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return plan_.Do("rename " + from, [&] { return inner_.Rename(from, to); });
  }
  Status MakeFolder(const std::string& path) override { return inner_.MakeFolder(path); }
  Result<std::vector<std::string>> List(const std::string& folder) override {
    return inner_.List(folder);
  }

 private:
  FileSystem& inner_;
  FaultPlan& plan_;
};

// The same, with each part of a durable write a step of its own, made as the real one makes it.
class FaultyInParts final : public FaultyFileSystem {
 public:
  using FaultyFileSystem::FaultyFileSystem;

  Status WriteDurably(const std::string& path, std::string_view contents) override {
    const std::string temporary = path + ".tmp";
    (void)Remove(temporary);
    auto file = CreateAppend(temporary);
    if (!file) return Fail(file.error());
    if (auto written = (*file)->Append(contents); !written) return written;
    if (auto synced = (*file)->Sync(); !synced) return synced;
    return Rename(temporary, path);
  }
};

}  // namespace remapfleet::agent
