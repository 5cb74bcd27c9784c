#include "agent/service.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace remapfleet::agent {
namespace {

constexpr std::uint64_t kStatusInterval = 30'000'000;  // microseconds

sigset_t Ending() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void BlockEnding() {
  const sigset_t signals = Ending();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void ServeUntilTold(const App& app) {
  std::uint64_t interval = 0;
  const bool watched = sd_watchdog_enabled(0, &interval) > 0;
  // Twice in its time, so that one that is late is not the end.
  interval = watched ? interval / 2 : kStatusInterval;
  const timespec wait{static_cast<time_t>(interval / 1'000'000),
                      static_cast<long>(interval % 1'000'000 * 1000)};
  const sigset_t signals = Ending();
  sd_notify(0, "READY=1");
  for (;;) {
    const auto late = app.Late(std::chrono::steady_clock::now());
    if (late.empty()) {
      sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s", app.Summary().c_str());
    } else {
      spdlog::critical("not alive: {}; the watchdog is not fed", fmt::join(late, ", "));
    }
    if (sigtimedwait(&signals, nullptr, &wait) > 0) break;
  }
  spdlog::info("stopping; remap devices stay up");
  sd_notify(0, "STOPPING=1");
}

}  // namespace remapfleet::agent
