#pragma once

#include "controller/history/database.h"
#include "remapfleet/v1/desired_state.pb.h"
#include "support/ids.h"

namespace remapfleet {

// Notes what a node made of a desired state, and ends the plans that it carried: APPLIED with the
// read-back, or FAILED with the reason. An outcome of a superseded generation, or a repeated one,
// changes no finished plan; one of a generation that was never given out changes nothing.
void RecordOutcome(Transaction& transaction, const HostId& host, const v1::Outcome& outcome);

}  // namespace remapfleet
