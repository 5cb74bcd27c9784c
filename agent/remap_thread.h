#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <variant>

#include "agent/config.h"
#include "agent/faults/target_histogram.h"
#include "agent/heartbeats.h"
#include "agent/link/record_sink.h"
#include "agent/metrics/agent_state.h"
#include "agent/remap/reconciler.h"
#include "remapfleet/v1/agent_service.pb.h"
#include "support/bounded_queue.h"

namespace remapfleet::agent {

// The one thread that speaks to device-mapper: brings devices up, applies what is desired, reports
// their state.
class RemapThread {
 public:
  // What other threads may know of a live device.
  struct Live {
    Layout layout;
    std::uint64_t block_sectors = 8;
    std::vector<v1::SectorRange> not_clean;  // on slots, pending or lost, in sectors of the drive
  };

  // All must outlive it.
  static Result<std::unique_ptr<RemapThread>> Start(const Config& config, RemapPorts ports,
                                                    FileSystem& files, DriveTable& drives,
                                                    RecordSink& sink, AgentState& state,
                                                    Heartbeats& heartbeats);
  ~RemapThread();

  // False if the queue is full; the controller then sends again.
  bool Desire(v1::Desired desired);
  // Something changed in device-mapper: look and report.
  void Look();

  // For Hello.
  std::vector<v1::Desired> Known() const;
  std::vector<Live> LiveDevices() const;
  // At most half a minute old, by the main drive's id; without targets that measure none.
  std::map<std::string, TargetHistogram> Histograms() const;
  // What the configuration names, as far as the drives are there.
  std::vector<v1::RemapDeviceSpec> Configured() const;

 private:
  struct LookNow {};
  using Order = std::variant<v1::Desired, LookNow>;

  RemapThread(const Config& config, RemapPorts ports, DriveTable& drives, RecordSink& sink,
              AgentState& state, Heartbeats& heartbeats);
  Status Prepare(const Config& config, FileSystem& files);
  void Run(std::stop_token stop);
  void ReportAll(bool force);
  void ReportOne(const Layout& layout, bool force);
  void ReadHistogram(const Layout& layout);
  void Share();

  DriveTable& drives_;
  RecordSink& sink_;
  AgentState& state_;
  const RemapPorts ports_;
  std::vector<AllowedDevice> allowed_;
  const std::shared_ptr<Heartbeats::Heart> heart_;
  std::unique_ptr<Reconciler> reconciler_;
  std::map<std::string, std::string> last_line_;  // by device: what was reported last

  BoundedQueue<Order> orders_;
  std::atomic<bool> look_queued_{false};  // one that waits is as good as many
  mutable std::mutex mutex_;
  std::vector<v1::Desired> known_;
  std::map<std::string, Live> live_;
  std::map<std::string, TargetHistogram> histograms_;  // by the main drive's id
  std::jthread thread_;
};

}  // namespace remapfleet::agent
