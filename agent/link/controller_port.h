#pragma once

#include <grpcpp/support/status.h>

#include <memory>
#include <string>
#include <vector>

#include "remapfleet/v1/agent_service.pb.h"
#include "support/result.h"

namespace remapfleet::agent {

// One stream to the controller. One thread writes, one reads, any may cancel.
class ControllerStream {
 public:
  virtual ~ControllerStream() = default;
  // False if the stream is broken; `Finish` says why.
  virtual bool Write(const v1::ConnectRequest& request) = 0;
  // False at its end.
  virtual bool Read(v1::ConnectResponse* response) = 0;
  // Ends it: a `Read` or `Write` under way returns false.
  virtual void Cancel() = 0;
  // How it ended; waits for that. After the last `Write`, and after `Read` returned false.
  virtual grpc::Status Finish() = 0;
};

// Where the controller is reached. One thread.
class ControllerPort {
 public:
  virtual ~ControllerPort() = default;
  // In the order of preference, at least one.
  virtual const std::vector<std::string>& addresses() const = 0;
  // A stream to one of them, by its place there, that may still fail at its first use.
  virtual Result<std::unique_ptr<ControllerStream>> Connect(std::size_t address) = 0;
};

struct ControllerOptions {
  std::vector<std::string> addresses;
  std::string server_name;  // empty: the address's own
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_ca;
};

// Over gRPC with mutual TLS. Fails only for files that are bad now; they are read again for each
// stream, since they may have been renewed.
Result<std::unique_ptr<ControllerPort>> MakeControllerPort(ControllerOptions options);

}  // namespace remapfleet::agent
