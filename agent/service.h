#pragma once

#include "agent/app.h"

namespace remapfleet::agent {

// Blocks the signals that end the agent, for this thread and all that it starts.
void BlockEnding();

// Tells the service manager that the agent is up and how it is, and feeds its watchdog as long as
// every thread is alive. Returns when a signal says to end.
void ServeUntilTold(const App& app);

}  // namespace remapfleet::agent
