#pragma once

#include <optional>
#include <string>

#include "agent/posix/file_system.h"
#include "remapfleet/v1/desired_state.pb.h"

namespace remapfleet::agent {

// A desired state that was taken, and how far it got.
struct StoredDesired {
  v1::Desired desired;
  v1::Outcome outcome;  // stage UNSPECIFIED until ACCEPTED was reported
  bool told = false;    // whether the report has `outcome`, where that is final
};

// Desired states on disk, one file a kind. `Save` returns only when it is durable. What is damaged
// is DATA_LOSS, never absent. One thread.
class DesiredStore {
 public:
  static Result<DesiredStore> Open(FileSystem& files, const std::string& folder);

  // The newest taken, whatever became of it; nothing if there is none.
  Result<std::optional<StoredDesired>> Newest(const std::string& kind) const;
  // The newest that was applied.
  Result<std::optional<StoredDesired>> LastGood(const std::string& kind) const;
  // Also becomes the last good one if its outcome is APPLIED.
  Status Save(const StoredDesired& stored);

  // The drives that a device was first brought up on; nothing before that.
  Result<std::optional<v1::RemapDeviceSpec>> Pinned(const std::string& kind) const;
  Status Pin(const v1::RemapDeviceSpec& spec);
  std::string PinPath(const std::string& kind) const { return PathOf(kind) + ".drives"; }

 private:
  DesiredStore(FileSystem& files, std::string folder)
      : files_(&files), folder_(std::move(folder)) {}
  std::string PathOf(const std::string& kind) const;
  Result<std::optional<StoredDesired>> ReadStored(const std::string& path) const;

  FileSystem* files_;
  std::string folder_;
};

}  // namespace remapfleet::agent
