#pragma once

#include <string>

#include "agent/config.h"
#include "agent/doctor/finding.h"

namespace remapfleet::agent {

// What the agent can and cannot do on this host with this configuration, whether it runs or not.
// Takes some seconds, more where something does not answer. Makes the state folder,
// where there is none, and changes nothing else.
Findings Examine(const Config& config);

// A line for each finding, or a JSON array of {"level", "check", "text"}.
std::string RenderFindings(const Findings& findings, bool json);

bool AnyFailed(const Findings& findings);

}  // namespace remapfleet::agent
