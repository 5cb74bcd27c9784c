#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/app.h"

namespace remapfleet::agent {

// Makes the agent that a configuration describes.
using StartAgent = std::function<Result<std::unique_ptr<App>>(const Config&)>;

// Runs the agent under the service manager until SIGTERM or SIGINT; the calling thread, and all
// that start from here, have these and SIGHUP blocked. Tells the manager that the agent is up and
// how it is, and feeds its watchdog as long as every thread is alive.
//
// SIGHUP reads the configuration at `path` anew. If that is good the agent ends and starts with it;
// if not, or if it does not start so, the one before stays, and the log says why. Remap devices
// stay up throughout.
//
// Returns the exit status.
int RunService(const std::string& path, Config config, const StartAgent& start);

}  // namespace remapfleet::agent
