#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "agent/faults/block_error.h"
#include "support/result.h"

namespace remapfleet::agent {

// What the source says: an error, or that the kernel dropped some.
struct LostEvents {
  std::uint64_t count;
};
struct SeenError {
  BlockError error;
  std::string disk;  // the kernel's name; empty if major and minor are known
  TimePoint time;
  std::chrono::steady_clock::time_point steady_time;  // the same moment
  v1::IoError::Source source;
};
using FaultEvent = std::variant<SeenError, LostEvents>;

// Follows I/O errors until it is destroyed.
class ErrorSource {
 public:
  // Called on a thread of the source's; never after the source is gone.
  using Handler = std::function<void(FaultEvent)>;
  virtual ~ErrorSource() = default;
};
using StartErrorSource = std::function<Result<std::unique_ptr<ErrorSource>>(ErrorSource::Handler)>;

// The kernel's: the block layer's error event in a tracefs instance of ours, or the kernel log
// where tracing is not to be had. UNAVAILABLE if neither can be opened. Errors that happen after
// this returns are seen.
Result<std::unique_ptr<ErrorSource>> StartKernelErrors(ErrorSource::Handler handler);

}  // namespace remapfleet::agent
