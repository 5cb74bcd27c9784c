#pragma once

#include <memory>
#include <string>

#include "agent/disks/drives.h"
#include "agent/disks/smart_source.h"
#include "agent/selftest/schedule.h"
#include "support/result.h"

namespace remapfleet::agent {

// Has a drive test itself, in the background: it goes on working, and its log says how it ended.
class SelfTestStarter {
 public:
  virtual ~SelfTestStarter() = default;
  // Returns when the drive has taken the order. FAILED_PRECONDITION if it sleeps, which this does
  // not end; UNAVAILABLE if it refuses, or runs a test already. Any thread; a drive that does not
  // answer may hold it for long.
  virtual Status Start(const Drive& drive, SelfTestKind kind) = 0;
};

// What smartctl's exit status says of a test that was to be started; `said` is its output. Bits 0
// to 2 are failures of its own; those above tell of the drive's health and are none (smartctl(8),
// EXIT STATUS).
Status ExplainSmartctlStart(int exit_status, const std::string& said);

// ATA, SAS, USB bridges and members of RAID controllers: `smartctl -t`.
std::unique_ptr<SelfTestStarter> MakeSmartctlStarter(SmartctlOptions options);
// NVMe: the Device Self-test command, of all namespaces.
std::unique_ptr<SelfTestStarter> MakeNvmeStarter();
// All kinds.
std::unique_ptr<SelfTestStarter> MakeSelfTestStarter(SmartctlOptions options);

}  // namespace remapfleet::agent
