#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace remapfleet {

// The canonical codes of gRPC, with its numbers.
enum class Code : std::uint8_t {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// E.g. "FAILED_PRECONDITION".
std::string_view CodeName(Code code);

// Why something failed: a code for programs, a sentence for people. A value type; not thread-safe.
class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  // From an errno value; the message is "<what>: <strerror>".
  static Error FromErrno(int errno_value, std::string_view what);

  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // Says what was being done: "<context>: <message>".
  Error Because(std::string_view context) &&;

  // "FAILED_PRECONDITION: <message>".
  std::string ToString() const;

 private:
  Code code_;
  std::string message_;
};

}  // namespace remapfleet
