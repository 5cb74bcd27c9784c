#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/link/controller_port.h"
#include "agent/link/spool.h"

namespace remapfleet::agent {

// The stream to the controller: sends the spool, hands down what the controller wants. Reconnects
// for ever. All must outlive it. Starts with the object; its destructor ends it within a second.
class Link {
 public:
  using MakeHello = std::function<v1::Hello()>;
  // Must not block; false means that it has no room, and the controller will send again.
  using OnDesired = std::function<bool(v1::Desired)>;

  Link(ControllerPort& controller, Spool& spool, MakeHello make_hello, OnDesired on_desired);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool connected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet::agent
