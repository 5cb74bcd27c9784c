#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "agent/faults/block_error.h"
#include "agent/posix/unique_fd.h"
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
  v1::IoError::Source source;
};
using FaultEvent = std::variant<SeenError, LostEvents>;

// Follows the kernel's I/O errors on one thread of its own: the block layer's error event in a
// tracefs instance of ours, or the kernel log where tracing is not to be had. `Handler` is called
// on that thread.
class ErrorSource {
 public:
  using Handler = std::function<void(FaultEvent)>;

  // UNAVAILABLE if neither can be opened. Errors that happen after this returns are seen.
  static Result<std::unique_ptr<ErrorSource>> Start(Handler handler);
  ~ErrorSource();

  v1::IoError::Source source() const { return source_; }

 private:
  ErrorSource(UniqueFd input, v1::IoError::Source source, Handler handler);
  void Run();
  void TakeTrace(std::string_view text);
  void TakeLog(std::string_view record);

  const UniqueFd input_;
  const UniqueFd stop_;
  const v1::IoError::Source source_;
  const Handler handler_;
  std::string partial_;  // of a trace line
  std::jthread thread_;
};

}  // namespace remapfleet::agent
