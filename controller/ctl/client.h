#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "remapfleet/v1/operator.grpc.pb.h"
#include "support/grpc_status.h"
#include "support/tls.h"

namespace remapfleet::ctl {

struct Connection {
  std::string server = "localhost:7443";
  std::string server_name;  // name in the server's certificate, where it is not the address
  TlsFiles tls;
  int timeout_s = 30;
};

// A controller's API; every call has the connection's time limit. Not thread-safe.
class Client {
 public:
  static Result<Client> Connect(const Connection& connection);

  // Calls one method, e.g. Call(*plans, &v1::PlanService::StubInterface::GetPlan, request).
  template <class Stub, class Request, class Response>
  Result<Response> Call(Stub& stub,
                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(timeout_s_));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    Error error = FromGrpc(status);
    if (error.code() == Code::kUnavailable) {
      error = std::move(error).Because("the controller at " + server_ +
                                       " does not answer (is it running? --server)");
    }
    return Fail(std::move(error));
  }

  std::unique_ptr<v1::FleetService::StubInterface> fleet;
  std::unique_ptr<v1::HistoryService::StubInterface> history;
  std::unique_ptr<v1::PlanService::StubInterface> plans;

 private:
  std::string server_;
  int timeout_s_ = 30;
};

}  // namespace remapfleet::ctl
