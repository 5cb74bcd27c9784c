#include "controller/api/call.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace remapfleet {

Result<std::string> OperatorOf(const grpc::ServerContext& context) {
  auto peer = PeerOf(*context.auth_context());
  if (peer && peer->kind != PeerIdentity::Kind::kOperator) {
    peer = Fail(Code::kPermissionDenied,
                "this is a host's certificate; the operators' services need an operator's");
  }
  if (!peer) {
    spdlog::warn("call from {} refused: {}", context.peer(), peer.error().message());
    return Fail(peer.error());
  }
  return peer->name;
}

Result<int> PageSize(int asked) {
  if (asked < 0) return Fail(Code::kInvalidArgument, "page_size must not be negative");
  return asked == 0 ? 100 : std::min(asked, 1000);
}

Status CheckRequestId(const std::string& request_id) {
  if (IsUuid(request_id)) return {};
  return Fail(Code::kInvalidArgument, "request_id must be a UUID in lower case");
}

}  // namespace remapfleet
