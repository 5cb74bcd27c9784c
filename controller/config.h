#pragma once

#include <chrono>
#include <string>

#include "controller/decide/policy.h"
#include "support/result.h"
#include "support/tls.h"

namespace remapfleet {

struct ControllerConfig {
  std::string listen;
  std::string database_url;
  std::string metrics_listen;
  TlsFiles tls;
  Policy policy;
  std::chrono::days retention{};
};

// Reads and checks the file; see example.toml. INVALID_ARGUMENT with "file:line:column: ".
Result<ControllerConfig> LoadConfig(const std::string& path);

}  // namespace remapfleet
