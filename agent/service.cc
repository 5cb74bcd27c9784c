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

sigset_t Told() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// Returns with the signal that says what is next.
int ServeUntilTold(const App& app) {
  std::uint64_t interval = 0;
  const bool watched = sd_watchdog_enabled(0, &interval) > 0;
  // Twice in its time, so that one that is late is not the end.
  interval = watched ? interval / 2 : kStatusInterval;
  const timespec wait{static_cast<time_t>(interval / 1'000'000),
                      static_cast<long>(interval % 1'000'000 * 1000)};
  const sigset_t signals = Told();
  for (;;) {
    const auto late = app.Late(std::chrono::steady_clock::now());
    if (late.empty()) {
      sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s", app.Summary().c_str());
    } else {
      spdlog::critical("not alive: {}; the watchdog is not fed", fmt::join(late, ", "));
    }
    if (const int signal = sigtimedwait(&signals, nullptr, &wait); signal > 0) return signal;
  }
}

// Ends `app` and starts it with `next`, or again with `config` if it does not start so. Without one
// of them it is null.
void StartAnew(const StartAgent& start, Config next, Config& config, std::unique_ptr<App>& app) {
  // One state folder, one port: the old one has to be gone.
  app.reset();
  auto started = start(next);
  if (started) {
    app = std::move(*started);
    config = std::move(next);
    spdlog::info("runs with the configuration as it is now");
    return;
  }
  spdlog::error("does not start with the new configuration, the one before is used: {}",
                started.error().message());
  started = start(config);
  if (started) {
    app = std::move(*started);
  } else {
    spdlog::critical("{}", started.error().message());
  }
}

void TellReloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
             static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000);
}

}  // namespace

int RunService(const std::string& path, Config config, const StartAgent& start) {
  const sigset_t signals = Told();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto started = start(config);
  if (!started) {
    spdlog::critical("{}", started.error().message());
    return 1;
  }
  std::unique_ptr<App> app = std::move(*started);
  sd_notify(0, "READY=1");
  while (ServeUntilTold(*app) == SIGHUP) {
    TellReloading();
    if (auto next = LoadConfig(path)) {
      StartAnew(start, std::move(*next), config, app);
      if (app == nullptr) return 1;
    } else {
      spdlog::error("the configuration stays as it was: {}", next.error().message());
    }
    sd_notify(0, "READY=1");
  }
  spdlog::info("stopping; remap devices stay up");
  sd_notify(0, "STOPPING=1");
  return 0;
}

}  // namespace remapfleet::agent
