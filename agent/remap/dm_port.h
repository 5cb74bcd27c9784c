#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "support/result.h"

namespace remapfleet::agent {

// One line of a table or a status.
struct DmTarget {
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  std::string type;
  std::string params;
};

struct DmInfo {
  std::string uuid;
  bool live_table = false;
  bool suspended = false;
};

// Device-mapper. Errors carry the kernel's errno as code: DATA_LOSS is EIO, INVALID_ARGUMENT is
// EINVAL. Used by one thread only: libdevmapper is not thread-safe.
class DmPort {
 public:
  virtual ~DmPort() = default;
  // Nothing if there is no such device.
  virtual Result<std::optional<DmInfo>> Info(const std::string& name) = 0;
  // A live device with its node, or nothing at all.
  virtual Status Create(const std::string& name, const std::string& uuid,
                        const DmTarget& table) = 0;
  // Loads the inactive table of an existing device; `Resume` makes it live.
  virtual Status Load(const std::string& name, const DmTarget& table) = 0;
  virtual Status Resume(const std::string& name) = 0;
  virtual Result<DmTarget> Table(const std::string& name) = 0;
  virtual Result<DmTarget> StatusOf(const std::string& name) = 0;
  // The target's answer.
  virtual Result<std::string> Message(const std::string& name, const std::string& text) = 0;
};

// `name` of a program in the log: libdevmapper's messages go to spdlog.
std::unique_ptr<DmPort> MakeDmPort();

}  // namespace remapfleet::agent
