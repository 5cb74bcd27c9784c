#pragma once

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <string>

#include "controller/history/database.h"
#include "controller/history/requests.h"
#include "support/grpc_status.h"
#include "support/spec_hash.h"
#include "support/tls.h"

namespace remapfleet {

// The operator who calls; PERMISSION_DENIED for agents, UNAUTHENTICATED for others.
Result<std::string> OperatorOf(const grpc::ServerContext& context);

// 1 to 1000; 0 means 100. INVALID_ARGUMENT below 0.
Result<int> PageSize(int asked);

// UUID in lower case, else INVALID_ARGUMENT.
Status CheckRequestId(const std::string& request_id);

// Runs a read for an operator.
template <class Response>
grpc::Status Answer(const grpc::ServerContext& context, Database& database, Response* response,
                    const std::function<Result<Response>(Transaction&)>& work) {
  const auto actor = OperatorOf(context);
  if (!actor) return ToGrpc(actor.error());
  auto answer = database.Query<Response>(work);
  if (!answer) return ToGrpc(answer.error());
  *response = std::move(*answer);
  return grpc::Status::OK;
}

// Runs a change once for its request_id: a repeat returns the first answer. With validate_only
// everything is done and rolled back, so that what it promises is what the real call would do.
template <class Request, class Response>
grpc::Status Change(const grpc::ServerContext& context, Database& database,
                    const std::string& method, const Request& request, Response* response,
                    const std::function<Result<Response>(Transaction&, const std::string&)>& work) {
  const auto actor = OperatorOf(context);
  if (!actor) return ToGrpc(actor.error());
  const Status good = CheckRequestId(request.request_id());
  if (!good) return ToGrpc(good.error());
  Request body = request;
  body.clear_request_id();
  body.clear_validate_only();
  const AskedChange change{request.request_id(), *actor, method, MessageHash(body)};
  bool rolled_back = false;
  const Status done = database.Transact([&](Transaction& transaction) -> Status {
    rolled_back = false;
    const auto before = FindAnswer(transaction, change);
    if (!before) return Fail(before.error());
    if (*before) {
      if (response->ParseFromString(**before)) return {};
      return Fail(Code::kDataLoss, "the answer that was stored cannot be read");
    }
    auto answer = work(transaction, *actor);
    if (!answer) return Fail(answer.error());
    *response = std::move(*answer);
    if (request.validate_only()) {
      rolled_back = true;
      return Fail(Code::kCancelled, "validate_only");
    }
    StoreAnswer(transaction, change, response->SerializeAsString());
    return {};
  });
  if (!done && !rolled_back) {
    spdlog::info("{} by {} refused: {}", method, *actor, done.error().message());
    return ToGrpc(done.error());
  }
  return grpc::Status::OK;
}

}  // namespace remapfleet
