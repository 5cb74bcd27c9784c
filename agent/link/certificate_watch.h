#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/posix/file_system.h"
#include "support/clock.h"

namespace remapfleet::agent {

// Warns once a day while less than a third of a certificate's lifetime is left: whoever renews it
// should have done so by then. The file is read anew each time, as each new stream does.
class CertificateWatch {
 public:
  // Both must outlive it.
  CertificateWatch(FileSystem& files, std::string path, const Clock& clock);

  // When it ends; nothing if that cannot be read. Any thread.
  std::optional<TimePoint> Ends() const;
  // What there is to warn of now; empty if nothing. Any thread.
  std::string Warning() const;

 private:
  void Run(const std::stop_token& stop);

  FileSystem& files_;
  const std::string path_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any sleeper_;
  std::jthread thread_;  // last
};

}  // namespace remapfleet::agent
