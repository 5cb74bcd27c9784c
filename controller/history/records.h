#pragma once

#include <cstdint>

#include "controller/history/database.h"
#include "remapfleet/v1/telemetry.pb.h"
#include "support/clock.h"
#include "support/ids.h"

namespace remapfleet {

struct IngestReceipt {
  std::uint64_t through_seq =
      0;                   // everything up to and with it is stored once this transaction commits
  std::size_t stored = 0;  // records that were new
};

// Stores a checked batch (see gateway/check.h) and what follows from it: newest state of drives,
// evidence for decisions, outcomes of plans. A batch that was stored before changes nothing. The
// host must exist.
Result<IngestReceipt> IngestBatch(Transaction& transaction, const HostId& host,
                                  const v1::Batch& batch, TimePoint now);

}  // namespace remapfleet
