#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/remap/applier.h"
#include "agent/remap/desired_store.h"
#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet::agent {

// Takes desired states, has them applied, and says what became of each: the protocol of
// generations. One thread.
class Reconciler {
 public:
  // Where outcomes go; durable when it returns OK.
  using Report = std::function<Status(v1::Outcome)>;

  Reconciler(Applier applier, DesiredStore store, std::vector<AllowedDevice> allowed,
             FindDrive find_drive, const Clock& clock, Report report)
      : applier_(std::move(applier)),
        store_(std::move(store)),
        allowed_(std::move(allowed)),
        find_drive_(std::move(find_drive)),
        clock_(clock),
        report_(std::move(report)) {}

  // Brings up every device from what is stored, else from the configuration, and finishes what a
  // crash left unfinished. Needs no controller.
  void Start();
  // Tries again to bring up what is not: a drive may have come late.
  void Retry();
  void Handle(const v1::Desired& desired);
  // Does what waited for its `not_before`, and reports what could not be reported; returns when the
  // next state is due.
  std::optional<TimePoint> RunDue();

  // Newest stored state of each kind, for Hello.
  std::vector<v1::Desired> Known() const;
  // The live devices of those that are up.
  std::vector<Layout> Up() const;

 private:
  const AllowedDevice* Find(const std::string& kind) const;
  void StartOne(const AllowedDevice& allowed);
  void TryBringUp(const AllowedDevice& allowed);
  Status BringUpLast(const AllowedDevice& allowed);
  Status BringUp(const v1::RemapDeviceSpec& spec, const Layout& layout);
  // Nothing if it is new and may be taken; else the answer was sent.
  bool AnswerKnown(const v1::Desired& desired, const std::optional<StoredDesired>& newest);
  Result<Layout> CheckAll(const v1::Desired& desired);
  void Run(StoredDesired stored);
  void Execute(StoredDesired stored);
  void Finish(StoredDesired stored);
  void Tell(StoredDesired stored);
  bool Send(const v1::Outcome& outcome);
  void Reject(const v1::Desired& desired, const Error& error);

  Applier applier_;
  DesiredStore store_;
  const std::vector<AllowedDevice> allowed_;
  const FindDrive find_drive_;
  const Clock& clock_;
  const Report report_;
  std::map<std::string, StoredDesired> waiting_;  // accepted, not yet due; by kind
  std::map<std::string, StoredDesired> untold_;   // final, not kept or not reported; by kind
  std::map<std::string, Layout> up_;              // by device name
  std::map<std::string, std::string> down_;       // why it is not up, as was said last; by name
};

}  // namespace remapfleet::agent
