#include "controller/config.h"

#include "support/toml_config.h"

namespace remapfleet {

Result<ControllerConfig> LoadConfig(const std::string& path) {
  auto toml = TomlConfig::Load(path);
  if (!toml) return Fail(toml.error());
  ControllerConfig config;
  config.listen = toml->String("listen", "0.0.0.0:7443");
  config.database_url = toml->String("database.url", "");
  config.tls.certificate = toml->RequiredString("tls.certificate");
  config.tls.key = toml->RequiredString("tls.key");
  config.tls.ca = toml->RequiredString("tls.ca");
  config.metrics_listen = toml->String("metrics.listen", "127.0.0.1:9478");
  config.retention = std::chrono::days(toml->Integer("history.retention_days", 730, 2, 3650));
  Policy& policy = config.policy;
  policy.auto_blocks_per_day =
      toml->Integer("policy.auto_blocks_per_day", policy.auto_blocks_per_day, 0, 1 << 20);
  policy.approval_expiry_s =
      toml->Integer("policy.approval_expiry_s", policy.approval_expiry_s, 60, 365 * 24 * 3600);
  policy.weak_neighbourhood_bytes = static_cast<std::uint64_t>(
      toml->Integer("policy.weak_neighbourhood_bytes",
                    static_cast<std::int64_t>(policy.weak_neighbourhood_bytes), 0, 1 << 30));
  if (config.database_url.empty()) {
    toml->Refuse("database.url",
                 "no database configured: set [database] url to a libpq connection string, or make "
                 "a private one with deploy/postgres-local start DIR, which prints it");
  }
  const Status finished = toml->Finish();
  if (!finished) return Fail(finished.error());
  return config;
}

}  // namespace remapfleet
