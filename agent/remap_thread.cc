#include "agent/remap_thread.h"

#include <spdlog/spdlog.h>

#include "agent/allowed_devices.h"

namespace remapfleet::agent {
namespace {

// An order to move many blocks is done before the next beat.
constexpr std::chrono::minutes kAlive{15};
constexpr std::size_t kOrders = 256;
// States are reported so often even if nothing changed.
constexpr std::chrono::seconds kRefresh{30};
constexpr int kMaxPending = 256;

v1::SectorRange ToDrive(const Extent& extent, std::uint64_t block_sectors,
                        std::uint64_t data_offset) {
  v1::SectorRange range;
  range.set_first_sector(data_offset + extent.first * block_sectors);
  range.set_sector_count(extent.count * block_sectors);
  return range;
}

// The mode is the second word: "1 rw block_size=8 …".
std::string ModeOf(const std::string& line) {
  const auto begin = line.find(' ');
  if (begin == std::string::npos) return "";
  return line.substr(begin + 1, line.find(' ', begin + 1) - begin - 1);
}

}  // namespace

RemapThread::RemapThread(const Config& config, RemapPorts ports, DriveTable& drives,
                         RecordSink& sink, AgentState& state, Heartbeats& heartbeats)
    : drives_(drives),
      sink_(sink),
      state_(state),
      ports_(ports),
      allowed_(AllowedDevices(config)),
      heart_(heartbeats.Add("remap", kAlive)),
      orders_(kOrders) {}

Result<std::unique_ptr<RemapThread>> RemapThread::Start(const Config& config, RemapPorts ports,
                                                        FileSystem& files, DriveTable& drives,
                                                        RecordSink& sink, AgentState& state,
                                                        Heartbeats& heartbeats) {
  std::unique_ptr<RemapThread> remap(
      new RemapThread(config, ports, drives, sink, state, heartbeats));
  const Status prepared = remap->Prepare(config, files);
  if (!prepared) return Fail(prepared.error());
  // Before the link: what is up and known is part of the first Hello.
  remap->reconciler_->Start();
  remap->Share();
  remap->ReportAll(true);
  remap->thread_ = std::jthread([raw = remap.get()](std::stop_token stop) { raw->Run(stop); });
  return remap;
}

Status RemapThread::Prepare(const Config& config, FileSystem& files) {
  auto budget = Budget::Open(files, config.state_dir + "/budget",
                             {config.max_blocks_per_hour, config.max_devices_per_hour});
  if (!budget) return Fail(budget.error());
  auto store = DesiredStore::Open(files, config.state_dir + "/desired");
  if (!store) return Fail(store.error());
  Applier applier(ports_, {ModuleToLoad(config), config.max_spare_percent}, std::move(*budget));
  // Drives are looked for anew each time: what was at a place a while ago may be another one now.
  const auto find = [this](const std::string& name) {
    drives_.Rescan();
    return drives_.ByName(name);
  };
  reconciler_ = std::make_unique<Reconciler>(std::move(applier), std::move(*store), allowed_, find,
                                             ports_.clock, [this](const v1::Outcome& outcome) {
                                               v1::Record record;
                                               *record.mutable_time() = ToProto(ports_.clock.Now());
                                               *record.mutable_outcome() = outcome;
                                               return sink_.Append({record});
                                             });
  return {};
}

RemapThread::~RemapThread() {
  thread_.request_stop();
  orders_.Close();
}

bool RemapThread::Desire(v1::Desired desired) { return orders_.TryPush(std::move(desired)); }

void RemapThread::Look() {
  if (look_queued_.exchange(true)) return;
  // Where the queue is full, what is in it ends with a look.
  if (!orders_.TryPush(LookNow{})) look_queued_ = false;
}

void RemapThread::Run(std::stop_token stop) {
  auto refresh = std::chrono::steady_clock::now() + kRefresh;
  while (!stop.stop_requested()) {
    heart_->Beat();
    auto wake = std::min(refresh, std::chrono::steady_clock::now() + Heartbeats::kInterval);
    if (const auto due = reconciler_->RunDue()) {
      wake = std::min(wake, std::chrono::steady_clock::now() + (*due - ports_.clock.Now()));
    }
    auto order = orders_.Pop(stop, wake);
    if (order && std::holds_alternative<LookNow>(*order)) look_queued_ = false;
    if (order && std::holds_alternative<v1::Desired>(*order)) {
      reconciler_->Handle(std::get<v1::Desired>(*order));
      Share();
    }
    const bool force = std::chrono::steady_clock::now() >= refresh;
    if (force) {
      refresh = std::chrono::steady_clock::now() + kRefresh;
      reconciler_->Retry();
    }
    ReportAll(force);
  }
}

void RemapThread::ReportAll(bool force) {
  for (const Layout& layout : reconciler_->Up()) ReportOne(layout, force);
}

void RemapThread::ReportOne(const Layout& layout, bool force) {
  RemapDevice device(ports_.dm, layout.name);
  const auto state = device.ReadState();
  if (!state) {
    spdlog::error("remap {}: state cannot be read: {}", layout.name, state.error().message());
    return;
  }
  v1::RemapStatus status;
  status.set_device_name(layout.name);
  status.set_drive_id(layout.main.identity.drive_id());
  status.set_mode(ModeOf(state->line));
  FillCounters(state->line, status);
  const auto block_sectors = static_cast<std::uint64_t>(state->parsed.block_size);
  status.set_block_bytes(static_cast<std::uint32_t>(block_sectors * 512));
  status.set_data_offset_sectors(layout.data_offset);
  Live live{layout, block_sectors, {}};
  for (const char* what : {"pending", "lost", "remaps"}) {
    const auto extents = device.List(what);
    if (!extents) continue;
    for (const Extent& extent : *extents) {
      live.not_clean.push_back(ToDrive(extent, block_sectors, layout.data_offset));
      if (what == std::string_view("pending") && status.pending_size() < kMaxPending) {
        *status.add_pending() = ToDrive(extent, block_sectors, 0);
      }
    }
  }
  {
    const std::lock_guard lock(mutex_);
    live_[layout.name] = std::move(live);
  }
  if (force) ReadHistogram(layout);
  // Plain traffic also changes the line; only what says something of the disk's state is worth a
  // record.
  std::string key = status.mode();
  for (const char* counter : {"remaps", "pending", "lost", "slots_bad", "read_errors",
                              "write_errors", "retries_ok", "commit_fail"}) {
    const auto found = status.counters().find(counter);
    if (found != status.counters().end()) key += " " + std::to_string(found->second);
  }
  if (!force && last_line_[layout.name] == key) return;
  last_line_[layout.name] = key;
  const auto now = ToProto(ports_.clock.Now());
  *status.mutable_time() = now;
  state_.SetRemap(status);
  v1::Record record;
  *record.mutable_time() = now;
  *record.mutable_remap_status() = std::move(status);
  if (const auto stored = sink_.Append({record}); !stored) {
    spdlog::error("remap {}: state cannot be stored: {}", layout.name, stored.error().message());
  }
}

void RemapThread::ReadHistogram(const Layout& layout) {
  auto reply = RemapDevice(ports_.dm, layout.name).Histogram();
  auto histogram = reply ? ParseTargetHistogram(*reply)
                         : Result<std::optional<TargetHistogram>>(Fail(std::move(reply.error())));
  if (!histogram) {
    spdlog::debug("remap {}: no histogram: {}", layout.name, histogram.error().message());
  }
  const std::lock_guard lock(mutex_);
  if (histogram && *histogram) {
    histograms_[layout.main.identity.drive_id()] = std::move(**histogram);
  } else {
    histograms_.erase(layout.main.identity.drive_id());
  }
}

std::map<std::string, TargetHistogram> RemapThread::Histograms() const {
  const std::lock_guard lock(mutex_);
  return histograms_;
}

void RemapThread::Share() {
  auto known = reconciler_->Known();
  const std::lock_guard lock(mutex_);
  known_ = std::move(known);
}

std::vector<v1::Desired> RemapThread::Known() const {
  const std::lock_guard lock(mutex_);
  return known_;
}

std::vector<RemapThread::Live> RemapThread::LiveDevices() const {
  const std::lock_guard lock(mutex_);
  std::vector<Live> devices;
  for (const auto& [name, live] : live_) devices.push_back(live);
  return devices;
}

std::vector<v1::RemapDeviceSpec> RemapThread::Configured() const {
  std::vector<v1::RemapDeviceSpec> specs;
  for (const AllowedDevice& allowed : allowed_) {
    auto spec =
        SpecFromConfig(allowed, [this](const std::string& name) { return drives_.ByName(name); });
    if (spec) specs.push_back(std::move(*spec));
  }
  return specs;
}

}  // namespace remapfleet::agent
