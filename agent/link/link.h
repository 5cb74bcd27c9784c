#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/link/spool.h"
#include "remapfleet/v1/agent_service.pb.h"

namespace remapfleet::agent {

struct LinkOptions {
  std::string address;
  std::string server_name;  // empty: the address's own
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_ca;
};

// The stream to the controller: sends the spool, hands down what the controller wants. Reconnects
// for ever. Starts with the object; its destructor ends it within a second.
class Link {
 public:
  using MakeHello = std::function<v1::Hello()>;
  // Must not block; false means that it has no room, and the controller will send again.
  using OnDesired = std::function<bool(v1::Desired)>;

  Link(LinkOptions options, Spool& spool, MakeHello make_hello, OnDesired on_desired);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool connected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet::agent
