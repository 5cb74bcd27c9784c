#pragma once

#include "remapfleet/v1/agent_service.pb.h"
#include "support/result.h"

namespace remapfleet {

// Batches larger than this are refused; Welcome says so.
inline constexpr std::uint32_t kMaxBatchRecords = 1000;
inline constexpr std::uint64_t kMaxUnackedBytes = 4 << 20;

// INVALID_ARGUMENT with the field's name unless the message is one that an agent may send. What
// passes here can be stored as it is. Pure.
Status CheckHello(const v1::Hello& hello);
Status CheckBatch(const v1::Batch& batch);

}  // namespace remapfleet
