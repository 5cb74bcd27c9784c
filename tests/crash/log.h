// The log that dm-log-writes wrote, as an image of the log device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace remapfleet::crash {

struct Entry {
  std::uint64_t sector = 0;
  std::uint64_t sectors = 0;
  bool flush = false, fua = false, discard = false, metadata = false;
  const std::uint8_t* data = nullptr;  // of a write
  std::string mark;                    // not empty: it is one
  bool writes() const { return sectors != 0; }
};

// Ends the program when the log is not whole.
class Log {
 public:
  explicit Log(const std::string& path);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const std::uint8_t* base_;
  std::size_t size_;
  std::vector<Entry> entries_;
};

}  // namespace remapfleet::crash
