#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remapfleet/v1/desired_state.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// A desired state that was taken, and how far it got.
struct StoredDesired {
  v1::Desired desired;
  v1::Outcome outcome;  // stage UNSPECIFIED until ACCEPTED was reported
};

// Desired states on disk, one file a kind. `Save` returns only when it is durable. One thread.
class DesiredStore {
 public:
  static Result<DesiredStore> Open(const std::string& folder);

  // The newest taken, whatever became of it; nothing if there is none.
  Result<std::optional<StoredDesired>> Newest(const std::string& kind) const;
  // The newest that was applied.
  Result<std::optional<StoredDesired>> LastGood(const std::string& kind) const;
  // Also becomes the last good one if its outcome is APPLIED.
  Status Save(const StoredDesired& stored);

 private:
  explicit DesiredStore(std::string folder) : folder_(std::move(folder)) {}
  std::string PathOf(const std::string& kind) const;

  std::string folder_;
};

}  // namespace remapfleet::agent
