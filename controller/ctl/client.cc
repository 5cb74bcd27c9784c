#include "controller/ctl/client.h"

namespace remapfleet::ctl {

Result<Client> Client::Connect(const Connection& connection) {
  for (const auto& [value, name] :
       {std::pair(connection.tls.certificate, "--cert or REMAPCTL_CERT"),
        std::pair(connection.tls.key, "--key or REMAPCTL_KEY"),
        std::pair(connection.tls.ca, "--ca or REMAPCTL_CA")}) {
    if (value.empty()) {
      return Fail(Code::kInvalidArgument, std::string("no TLS file: set ") + name +
                                              " (deploy/pki makes an operator's certificate)");
    }
  }
  const auto credentials = ClientTls(connection.tls);
  if (!credentials) return Fail(credentials.error());
  grpc::ChannelArguments arguments;
  if (!connection.server_name.empty()) arguments.SetSslTargetNameOverride(connection.server_name);
  const auto channel = grpc::CreateCustomChannel(connection.server, *credentials, arguments);
  Client client;
  client.server_ = connection.server;
  client.timeout_s_ = connection.timeout_s;
  client.fleet = v1::FleetService::NewStub(channel);
  client.history = v1::HistoryService::NewStub(channel);
  client.plans = v1::PlanService::NewStub(channel);
  return client;
}

}  // namespace remapfleet::ctl
