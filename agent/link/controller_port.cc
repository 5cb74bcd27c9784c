#include "agent/link/controller_port.h"

#include <grpcpp/create_channel.h>

#include "remapfleet/v1/agent_service.grpc.pb.h"
#include "support/tls.h"

namespace remapfleet::agent {
namespace {

class GrpcStream final : public ControllerStream {
 public:
  explicit GrpcStream(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::AgentService::NewStub(channel)), stream_(stub_->Connect(&context_)) {}

  bool Write(const v1::ConnectRequest& request) override { return stream_->Write(request); }
  bool Read(v1::ConnectResponse* response) override { return stream_->Read(response); }
  void Cancel() override { context_.TryCancel(); }
  grpc::Status Finish() override { return stream_->Finish(); }

 private:
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::ConnectRequest, v1::ConnectResponse>> stream_;
};

class GrpcController final : public ControllerPort {
 public:
  explicit GrpcController(ControllerOptions options) : options_(std::move(options)) {}

  const std::vector<std::string>& addresses() const override { return options_.addresses; }
  Result<std::unique_ptr<ControllerStream>> Connect(std::size_t address) override {
    auto channel = MakeChannel(options_.addresses.at(address));
    if (!channel) return Fail(channel.error());
    return std::make_unique<GrpcStream>(*channel);
  }

  // A new one for each stream: certificates may have been renewed, and gRPC's own backoff of an old
  // channel must not stand beside ours.
  Result<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address) {
    auto credentials = ClientTls({options_.tls_certificate, options_.tls_key, options_.tls_ca});
    if (!credentials) return Fail(credentials.error());
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    // A drive's record is a third of its size then, and a round of many in one batch a tenth.
    arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (!options_.server_name.empty()) arguments.SetSslTargetNameOverride(options_.server_name);
    return grpc::CreateCustomChannel(address, *credentials, arguments);
  }

 private:
  const ControllerOptions options_;
};

}  // namespace

Result<std::unique_ptr<ControllerPort>> MakeControllerPort(ControllerOptions options) {
  auto controller = std::make_unique<GrpcController>(std::move(options));
  if (auto channel = controller->MakeChannel(controller->addresses().front()); !channel)
    return Fail(channel.error());
  return controller;
}

}  // namespace remapfleet::agent
