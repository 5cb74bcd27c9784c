// An agent's other end, which commits whatever comes and says on stdout what it was:
// "<records> <bytes of their batches> <drives' health among them>" after each batch.
//
//   bench_counting_server FOLDER PORT    FOLDER has server.crt, server.key and ca.crt

#include <grpcpp/server_builder.h>

#include <cstdio>
#include <string>

#include "remapfleet/v1/agent_service.grpc.pb.h"
#include "support/tls.h"

namespace remapfleet {
namespace {

class CountingService final : public v1::AgentService::Service {
 public:
  grpc::Status Connect(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::ConnectResponse, v1::ConnectRequest>* stream) override {
    v1::ConnectRequest request;
    while (stream->Read(&request)) {
      v1::ConnectResponse response;
      if (request.has_hello()) {
        // As the real one.
        response.mutable_welcome()->mutable_heartbeat()->set_seconds(10);
      } else if (request.has_batch()) {
        const v1::Batch& batch = request.batch();
        Count(batch);
        response.mutable_ack()->set_boot_id(batch.boot_id());
        response.mutable_ack()->set_through_seq(batch.first_seq() + batch.records_size() - 1);
      } else {
        continue;
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  void Count(const v1::Batch& batch) {
    records_ += static_cast<std::uint64_t>(batch.records_size());
    bytes_ += batch.ByteSizeLong();
    for (const v1::Record& record : batch.records()) health_ += record.has_health() ? 1 : 0;
    std::printf("%lu %lu %lu\n", records_, bytes_, health_);
    std::fflush(stdout);
  }

  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t health_ = 0;
};

}  // namespace
}  // namespace remapfleet

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_counting_server FOLDER PORT\n");
    return 2;
  }
  const std::string folder = argv[1];
  const auto credentials =
      remapfleet::ServerTls({folder + "/server.crt", folder + "/server.key", folder + "/ca.crt"});
  if (!credentials) {
    std::fprintf(stderr, "%s\n", credentials.error().message().c_str());
    return 1;
  }
  remapfleet::CountingService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + argv[2], *credentials);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  server->Wait();
}
