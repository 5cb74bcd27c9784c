// Devices as the workload uses them: device-mapper messages and direct I/O. Failures that are no
// part of the test end the program.
#pragma once

#include <cstdint>
#include <string>

namespace remapfleet::crash {

[[noreturn]] void Die(const std::string& what);

// A device-mapper device that takes messages. Any thread may send.
class Mapped {
 public:
  explicit Mapped(std::string name);
  ~Mapped();
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  int Send(const std::string& text) const;  // 0 or errno
  // Takes a table while it is in use.
  void Reload(const std::string& table) const;
  void SuspendAndResume() const;

 private:
  std::string name_;
  int control_;
};

// Direct I/O, one at a time. A FUA write is nothing but that: no flush comes with it.
class Disk {
 public:
  explicit Disk(const std::string& path);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  // 0 or errno; at most kMost sectors.
  static constexpr std::uint64_t kMost = 256;
  std::uint8_t* buffer() { return buffer_; }
  int Write(std::uint64_t sector, std::uint64_t n, bool fua);
  int Read(std::uint64_t sector, std::uint64_t n);
  int Flush();
  int Discard(std::uint64_t sector, std::uint64_t n);

 private:
  int Do(unsigned opcode, std::uint64_t sector, std::uint64_t n, int flags);
  int fd_;
  std::uint8_t* buffer_;
  unsigned long context_ = 0;
};

}  // namespace remapfleet::crash
