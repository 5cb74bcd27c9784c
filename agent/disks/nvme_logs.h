#pragma once

#include <libnvme.h>

#include <cstdint>
#include <span>

#include "remapfleet/v1/types.pb.h"

namespace remapfleet::agent {

// NVMe's log pages, as the drive gives them, into `health`, whose `drive` is filled already.

// SMART / health information (02h).
void FillFromNvmeSmart(const nvme_smart_log& log, v1::DriveHealth& health);
// Error information (01h). Errors of other namespaces than `nsid` have no place here.
void FillFromNvmeErrors(std::span<const nvme_error_log_page> log, std::uint32_t nsid,
                        v1::DriveHealth& health);
// Device self-tests (06h).
void FillFromNvmeSelfTests(const nvme_self_test_log& log, std::uint32_t nsid,
                           v1::DriveHealth& health);

}  // namespace remapfleet::agent
