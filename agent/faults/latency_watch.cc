#include "agent/faults/latency_watch.h"

#include <spdlog/spdlog.h>

namespace remapfleet::agent {
namespace {

google::protobuf::Duration ToProto(std::chrono::microseconds time) {
  google::protobuf::Duration duration;
  duration.set_seconds(time.count() / 1'000'000);
  duration.set_nanos(static_cast<std::int32_t>(time.count() % 1'000'000 * 1000));
  return duration;
}

v1::DriveLatency Describe(const std::string& drive_id, const BlockWork& work) {
  v1::DriveLatency latency;
  latency.set_drive_id(drive_id);
  *latency.mutable_interval() = ToProto(work.interval);
  if (work.reads) latency.set_reads(*work.reads);
  if (work.writes) latency.set_writes(*work.writes);
  if (work.mean_read) *latency.mutable_mean_read() = ToProto(*work.mean_read);
  if (work.mean_write) *latency.mutable_mean_write() = ToProto(*work.mean_write);
  if (work.utilisation) latency.set_utilisation(*work.utilisation);
  latency.set_in_flight(work.in_flight);
  return latency;
}

void Say(const std::string& drive_id, const PeerVerdict& verdict) {
  if (verdict.slow) {
    spdlog::warn("{} is slow: {:.1f} times the median of {} like it, {} us", drive_id,
                 verdict.ratio, verdict.peers, verdict.median.count());
  } else {
    spdlog::info("{} is as fast as others again: {:.1f} times their median, {} us", drive_id,
                 verdict.ratio, verdict.median.count());
  }
}

}  // namespace

std::vector<v1::DriveLatency> LatencyWatch::Look(const std::vector<Drive>& drives, Time now) {
  const auto targets = targets_();
  std::map<std::string, Seen> seen;
  std::vector<DriveWindow> windows;
  std::vector<v1::DriveLatency> latencies;
  for (const Drive& drive : drives) {
    if (drive.major == 0 || !drive.twin.empty()) continue;
    const auto reading = stats_.Read(drive);
    if (!reading) {
      spdlog::debug("{}: {}", drive.identity.path(), reading.error().message());
      continue;
    }
    const std::string& id = drive.identity.drive_id();
    Seen& newest = seen[drive.identity.path()];
    newest = {id, drive.sequence, reading->stat, std::nullopt, now};
    if (const auto target = targets.find(id); target != targets.end()) {
      newest.target = target->second;
    }
    const auto before = seen_.find(drive.identity.path());
    if (before == seen_.end() || before->second.drive_id != id ||
        before->second.sequence != drive.sequence) {
      continue;
    }
    const BlockWork work = WorkBetween(
        before->second.stat, reading->stat,
        std::chrono::duration_cast<std::chrono::milliseconds>(now - before->second.time));
    if (reading->rotational) {
      windows.push_back({id,
                         *reading->rotational,
                         {work.reads.value_or(0), work.mean_read},
                         {work.writes.value_or(0), work.mean_write}});
    }
    if (work.idle()) continue;
    latencies.push_back(Describe(id, work));
    if (!newest.target || !before->second.target) continue;
    for (auto& histogram : CountedBetween(*before->second.target, *newest.target)) {
      *latencies.back().add_histograms() = std::move(histogram);
    }
  }
  seen_ = std::move(seen);
  const auto verdicts = fail_slow_.Judge(windows);
  for (v1::DriveLatency& latency : latencies) {
    const auto found = verdicts.find(latency.drive_id());
    if (found == verdicts.end()) continue;
    const PeerVerdict& verdict = found->second;
    if (verdict.changed) Say(latency.drive_id(), verdict);
    v1::PeerComparison& peers = *latency.mutable_peers();
    peers.set_ratio(verdict.ratio);
    *peers.mutable_median() = ToProto(verdict.median);
    peers.set_peers(verdict.peers);
    peers.set_slow(verdict.slow);
  }
  return latencies;
}

}  // namespace remapfleet::agent
