#pragma once

#include <compare>
#include <string>

#include "support/result.h"

namespace remapfleet {

// A string that cannot be taken for another kind of string.
template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string value) : value_(std::move(value)) {}
  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }
  // clang-tidy 14 takes the comparison with 0 that this is made of for a pointer.
  auto operator<=>(const StrongId&) const = default;  // NOLINT(modernize-use-nullptr)

 private:
  std::string value_;
};

using HostId = StrongId<struct HostIdTag>;    // from the certificate: [a-z0-9.-]{1,64}
using DriveId = StrongId<struct DriveIdTag>;  // "wwn-0x…" or "serial-<model>-<serial>"
using PlanId = StrongId<struct PlanIdTag>;    // UUID
using BootId = StrongId<struct BootIdTag>;    // UUID

// INVALID_ARGUMENT unless `text` is [a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?.
Result<HostId> ParseHostId(std::string_view text);

// A random (version 4) UUID in lower case.
std::string NewUuid();

// True for 8-4-4-4-12 lower-case hexadecimal digits.
bool IsUuid(std::string_view text);

}  // namespace remapfleet
