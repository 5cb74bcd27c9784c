#include "agent/doctor/check_host.h"

#include <fmt/format.h>
#include <sys/timex.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

bool IsThere(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The value behind "NAME:\t" in /proc/self/status.
std::uint64_t EffectiveCapabilities(const HostRoots& roots) {
  const std::string status = ReadTrimmed(roots.proc + "/self/status");
  const auto at = status.find("CapEff:");
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + 7, nullptr, 16);
}

Finding CheckModuleFile(const HostRoots& roots, const std::string& module) {
  const std::string check = "module " + module;
  const std::string release = ReadTrimmed(roots.proc + "/sys/kernel/osrelease");
  if (module.find('/') != std::string::npos) {
    if (!IsThere(module)) {
      return {Level::kFail, check, "no such file; build it, or set remap.module"};
    }
  } else {
    const std::string known = ReadTrimmed(roots.modules + "/" + release + "/modules.dep");
    if (known.find("/" + module + ".ko") == std::string::npos) {
      return {Level::kFail, check,
              fmt::format("not there for the kernel that runs, {}; install dm-remap-dkms and the "
                          "kernel's headers, then run depmod",
                          release)};
    }
  }
  if (ReadTrimmed(roots.sys + "/module/module/parameters/sig_enforce") == "Y") {
    return {Level::kWarn, check,
            "not loaded yet, and this kernel loads signed modules only (Secure Boot): enrol the "
            "key that dkms signs with, by mokutil --import /var/lib/dkms/mok.pub"};
  }
  return {Level::kOk, check, fmt::format("not loaded yet, and there for kernel {}", release)};
}

}  // namespace

Findings CheckRights(const HostRoots& roots) {
  // Numbers of <linux/capability.h>.
  constexpr std::array<std::pair<unsigned, const char*>, 2> kNeeded = {
      {{21, "CAP_SYS_ADMIN"}, {17, "CAP_SYS_RAWIO"}}};
  std::string missing;
  const std::uint64_t has = EffectiveCapabilities(roots);
  for (const auto& [number, name] : kNeeded) {
    if ((has >> number & 1) == 0) missing += std::string(missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return {{Level::kOk, "rights", "enough to reach disks and device-mapper"}};
  return {{Level::kFail, "rights", missing + " missing; run this as root"}};
}

Findings CheckErrorSources(const HostRoots& roots) {
  const std::string tracing = roots.sys + "/kernel/tracing";
  const std::string log = roots.dev + "/kmsg";
  const bool can_log = access(log.c_str(), R_OK) == 0;
  const char* const fallback = can_log ? "; the kernel's log serves instead, without errors that "
                                         "the kernel does not print"
                                       : "";
  if (!IsThere(tracing)) {
    return {{can_log ? Level::kWarn : Level::kFail, "I/O errors",
             fmt::format("this kernel has no tracefs{}", fallback)}};
  }
  // Not mounted yet: the agent does that.
  if (!IsThere(tracing + "/events")) {
    return {{Level::kOk, "I/O errors", "tracefs is not mounted; the agent will mount it"}};
  }
  if (!IsThere(tracing + "/events/block/block_rq_error")) {
    return {{can_log ? Level::kWarn : Level::kFail, "I/O errors",
             fmt::format("this kernel has no tracepoint block_rq_error{}", fallback)}};
  }
  if (access((tracing + "/instances").c_str(), W_OK) != 0) {
    return {{can_log ? Level::kWarn : Level::kFail, "I/O errors",
             fmt::format("{}/instances cannot be written{}; run this as root", tracing, fallback)}};
  }
  return {{Level::kOk, "I/O errors", "seen by the block layer's tracepoint, with their LBA"}};
}

Findings CheckTarget(const HostRoots& roots, const Config& config) {
  Findings findings;
  const std::string control = roots.dev + "/mapper/control";
  if (!IsThere(control)) {
    findings.push_back(
        {Level::kFail, "device-mapper", control + " is not there; load dm-mod (modprobe dm-mod)"});
  } else if (access(control.c_str(), R_OK | W_OK) != 0) {
    findings.push_back(
        {Level::kFail, "device-mapper", control + " cannot be opened; run this as root"});
  } else {
    findings.push_back({Level::kOk, "device-mapper", control + " can be opened"});
  }
  if (IsThere(roots.sys + "/module/dm_remap")) {
    const std::string version = ReadTrimmed(roots.sys + "/module/dm_remap/version");
    findings.push_back({Level::kOk, "module " + config.module, "loaded " + version});
  } else {
    findings.push_back(CheckModuleFile(roots, config.module));
  }
  // Nothing is missed where no device is configured.
  for (Finding& finding : findings) {
    if (config.devices.empty() && finding.level == Level::kFail) finding.level = Level::kWarn;
  }
  return findings;
}

Findings CheckStateFolder(const Config& config) {
  const std::string check = "state folder";
  const std::string probe = config.state_dir + "/doctor";
  const Status made = MakeFolder(config.state_dir);
  const Status written = made ? WriteFileDurably(probe, "x") : made;
  if (!written) {
    return {{Level::kFail, check,
             written.error().message() + "; make room, or mend state_dir or who may write there"}};
  }
  std::error_code error;
  fs::remove(probe, error);
  const fs::space_info space = fs::space(config.state_dir, error);
  if (!error && space.available < config.spool_bytes) {
    return {{Level::kWarn, check,
             fmt::format("{} has {} MiB left and the spool may take {}; make room, or set "
                         "spool.max_mib",
                         config.state_dir, space.available >> 20, config.spool_bytes >> 20)}};
  }
  return {{Level::kOk, check, config.state_dir + " can be written"}};
}

Findings CheckClock() {
  timex now{};
  if (adjtimex(&now) != TIME_ERROR && (now.status & STA_UNSYNC) == 0) {
    return {{Level::kOk, "clock", "synchronised"}};
  }
  return {{Level::kWarn, "clock",
           "nobody keeps it right; times of errors may be wrong: install chrony or "
           "systemd-timesyncd"}};
}

}  // namespace remapfleet::agent
