// One life of a target: devices, faults, I/O, power cuts, and the checks on all of it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/mapped_device.h"
#include "tests/sim/model.h"
#include "tests/sim/ops.h"
#include "tests/sim/spares.h"
#include "tests/sim/weather.h"

namespace remapfleet::sim {

struct Counts {
  std::uint64_t ops = 0, reads = 0, writes = 0, errors = 0, power_cuts = 0, boots = 0, remaps = 0,
                messages = 0;
  void Add(const Counts& o);
};

class Episode {
 public:
  Episode(Module* module, Config config);
  ~Episode();
  // Empty, or what went wrong. done: how many of the ops were begun.
  std::string Run(const std::vector<Op>& ops, std::uint64_t schedule);
  std::size_t done() const { return done_; }
  const Counts& counts() const { return counts_; }

 private:
  struct Pending;
  void Issue(const Op& op);
  void Send(const Op& op);
  void Answer(Pending* p, Request* request);
  void SendMessage(const std::string& text);
  void Change(const Op& op);  // suspend, reload, remove
  void SetFault(const Op& op);
  void Heal(const Op& op);
  void PowerCut();
  void Boot();
  void TryBoot();
  bool AnyTrouble();
  void BeginReload();
  void Settle();
  void ReadAll();
  void CheckStatus(const std::string& line);
  void Finish();
  void Wrong(const std::string& what);
  Disk* Device(unsigned n) { return n == 0 ? main_.get() : spares_->disks()[n - 1].get(); }

  Module* module_;
  Config config_;
  std::unique_ptr<Disk> main_;
  std::unique_ptr<Spares> spares_;
  std::unique_ptr<MappedDevice> device_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Weather> weather_;
  std::vector<std::unique_ptr<Pending>> pending_;
  std::size_t in_flight_ = 0;
  std::size_t messages_ = 0;
  bool changing_ = false;
  bool up_ = false;  // booted
  unsigned faults_set_ = 0;
  unsigned boot_tries_ = 0;
  std::size_t done_ = 0;
  Counts counts_;
};

}  // namespace remapfleet::sim
