#pragma once

#include <chrono>
#include <string>

#include "agent/config.h"
#include "agent/doctor/finding.h"
#include "support/clock.h"

namespace remapfleet::agent {

// The three files of [tls]: readable, fitting together, and for how long. A key that others may
// read is a warning.
Findings CheckCertificates(const Config& config, const Clock& clock);

// Each controller: its name is known, somebody listens, and both sides take each other's
// certificates. No stream is begun: it would end a running agent's. `limit` is for each step.
Findings CheckControllers(const Config& config, std::chrono::seconds limit);

}  // namespace remapfleet::agent
