#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

namespace remapfleet {

using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

// Wall clock, UTC. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint Now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

google::protobuf::Timestamp ToProto(TimePoint time);
TimePoint FromProto(const google::protobuf::Timestamp& time);

// RFC 3339 with microseconds, e.g. "2026-01-31T09:05:00.000000Z".
std::string FormatTime(TimePoint time);

}  // namespace remapfleet
