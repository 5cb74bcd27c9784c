#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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

  // `on_connected` is called when a controller has welcomed this node, on a thread of the link's.
  Link(ControllerPort& controller, Spool& spool, MakeHello make_hello, OnDesired on_desired,
       std::function<void()> on_connected);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool connected() const;
  // How far the controller's clock was ahead of this node's when it was last reached.
  std::optional<std::chrono::microseconds> clock_ahead() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet::agent
