#pragma once

#include <string>

namespace remapfleet::agent {

// Where what the agent has to say goes: the journal, with priorities, when the service manager has
// connected standard error to it; else standard error, with time and level. Before threads start.
void StartLog();

// "debug", "info", "warning" or "error": what is less is left out. Any thread.
void SetLogLevel(const std::string& level);

}  // namespace remapfleet::agent
