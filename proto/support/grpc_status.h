#pragma once

#include <grpcpp/support/status.h>

#include "support/error.h"

namespace remapfleet {

// The codes have the same numbers; both ways keep code and message.
inline grpc::Status ToGrpc(const Error& error) {
  return {static_cast<grpc::StatusCode>(error.code()), error.message()};
}

// `status` must not be OK.
inline Error FromGrpc(const grpc::Status& status) {
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

}  // namespace remapfleet
