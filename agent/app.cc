#include "agent/app.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>

#include "agent/fault_thread.h"
#include "agent/health_thread.h"
#include "agent/link/certificate_watch.h"
#include "agent/link/link.h"
#include "agent/metrics/exporter.h"
#include "agent/remap_thread.h"
#include "agent/self_test_thread.h"
#include "agent/selftest/enclosure.h"
#include "support/spec_hash.h"
#include "support/version.h"

namespace remapfleet::agent {
namespace {

// How much longer than its time limit a program may take to be killed.
constexpr std::chrono::seconds kKilling{5};

}  // namespace

// Members are in the order in which they start; they end in the reverse.
class App::Impl {
 public:
  Impl(const Config& config, Outside outside)
      : outside_(std::move(outside)),
        drives_(*outside_.drives),
        certificate_(*outside_.files, config.tls_certificate, *outside_.clock) {}

  Status Start(const Config& config) {
    drives_.Rescan();
    auto spool = Spool::Open(*outside_.files, config.state_dir + "/spool", outside_.boot_id,
                             config.spool_bytes);
    if (!spool) return Fail(spool.error());
    spool_ = std::move(*spool);
    auto remap = RemapThread::Start(
        config, {*outside_.dm, *outside_.modules, *outside_.guard, *outside_.clock},
        *outside_.files, drives_, *spool_, state_, heartbeats_);
    if (!remap) return Fail(remap.error());
    remap_ = std::move(*remap);
    if (auto events = outside_.start_dm_events([this] { remap_->Look(); })) {
      events_ = std::move(*events);
    } else {
      spdlog::warn("no device-mapper events: {}", events.error().message());
    }
    if (auto faults = FaultThread::Start(drives_, *remap_, *spool_, state_, *outside_.clock,
                                         outside_.start_errors, outside_.open_reads, heartbeats_)) {
      faults_ = std::move(*faults);
    } else {
      spdlog::error("{}: I/O errors are not seen", faults.error().message());
    }
    StartHealth(config);
    link_ = std::make_unique<Link>(
        *outside_.controller, *spool_, [this] { return MakeHello(); },
        [this](v1::Desired desired) { return remap_->Desire(std::move(desired)); },
        [this] { health_->TellLogsAnew(); });
    if (!config.metrics_listen.empty()) {
      auto exporter = Exporter::Start(config.metrics_listen, state_, [this] { return Gauges(); });
      if (!exporter) return Fail(exporter.error());
      exporter_ = std::move(*exporter);
      spdlog::info("metrics on port {}", exporter_->port());
    }
    SayWhatIsWatched(config);
    return {};
  }

  std::vector<std::string> Late(std::chrono::steady_clock::time_point now) {
    return heartbeats_.Late(now);
  }

  std::string Summary() const {
    const SpoolStats spool = spool_->stats();
    return fmt::format("{} drives, {} remap devices up, {}, {} records to send",
                       drives_.All().size(), remap_->LiveDevices().size(),
                       link_->connected() ? "connected" : "cut off", spool.records);
  }

 private:
  void StartHealth(const Config& config) {
    std::vector<Drive> members;
    for (const MemberConfig& member : config.members) {
      members.push_back(MakeMember(member.device, member.type));
    }
    latency_ =
        std::make_unique<LatencyWatch>(*outside_.stats, [this] { return remap_->Histograms(); });
    if (config.self_test.enabled) {
      self_tests_ = std::make_unique<SelfTestThread>(
          config.self_test, outside_.self_tests,
          [](const Drive& drive) { return FindEnclosure({}, drive); }, *spool_, *outside_.clock,
          heartbeats_,
          [this](const v1::IoError& error) {
            if (faults_) faults_->CheckAround(error);
          });
    }
    health_ = std::make_unique<HealthThread>(
        drives_, std::move(members), outside_.smart, *spool_, state_, *outside_.clock,
        HealthTiming{config.health_interval, config.answer_timeout + kKilling}, heartbeats_,
        *latency_, [this](const Drive& drive, const v1::DriveHealth& health) {
          if (self_tests_) self_tests_->Take(drive, health);
        });
    if (auto events = outside_.start_disk_events([this] { health_->Look(); })) {
      disk_events_ = std::move(*events);
    } else {
      spdlog::warn("{}: disks that come are only seen every {} s", events.error().message(),
                   config.health_interval.count());
    }
  }

  // An agent that watches nothing looks healthy from afar.
  void SayWhatIsWatched(const Config& config) const {
    const std::size_t drives = drives_.All().size();
    spdlog::info("remap-agent {}: {} drives", kVersion, drives);
    if (drives != 0) return;
    if (config.drives_allow.empty()) {
      spdlog::warn("no drive is watched: drives.allow is empty; name them there (\"/dev/sd*\")");
      return;
    }
    spdlog::warn(
        "no drive is watched: none that the kernel shows matches drives.allow ({}); see lsblk "
        "--nodeps -o PATH,WWN,MODEL,SERIAL",
        fmt::join(config.drives_allow, ", "));
  }

  v1::Hello MakeHello() const {
    v1::Hello hello;
    hello.set_agent_version(kVersion);
    hello.set_boot_id(spool_->boot_id());
    hello.set_last_acked_seq(spool_->last_acked());
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) == 0) hello.set_hostname(name.data());
    *hello.mutable_clock() = ToProto(outside_.clock->Now());
    for (const Drive& drive : drives_.All()) *hello.add_drives() = drive.identity;
    for (v1::RemapDeviceSpec& spec : remap_->Configured())
      *hello.add_configured() = std::move(spec);
    for (const v1::Desired& desired : remap_->Known()) {
      (*hello.mutable_known_generations())[desired.kind()] = desired.generation();
      (*hello.mutable_known_hashes())[desired.kind()] = desired.spec_sha256();
    }
    return hello;
  }

  AgentGauges Gauges() const {
    const SpoolStats spool = spool_->stats();
    return {link_->connected(),
            spool.records,
            spool.bytes,
            spool.dropped,
            spool.failing,
            link_->clock_ahead(),
            certificate_.Ends(),
            self_tests_ ? self_tests_->started() : 0,
            self_tests_ ? self_tests_->refused() : 0};
  }

  const Outside outside_;
  AgentState state_;
  Heartbeats heartbeats_;
  DriveTable drives_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<RemapThread> remap_;
  std::unique_ptr<DmEvents> events_;
  std::unique_ptr<FaultThread> faults_;
  std::unique_ptr<LatencyWatch> latency_;
  std::unique_ptr<SelfTestThread> self_tests_;
  std::unique_ptr<HealthThread> health_;
  std::unique_ptr<DiskEvents> disk_events_;
  CertificateWatch certificate_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<Exporter> exporter_;
};

Result<std::unique_ptr<App>> App::Start(const Config& config, Outside outside) {
  auto impl = std::make_unique<Impl>(config, std::move(outside));
  const Status started = impl->Start(config);
  if (!started) return Fail(started.error());
  return std::unique_ptr<App>(new App(std::move(impl)));
}

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
App::~App() = default;

std::vector<std::string> App::Late(std::chrono::steady_clock::time_point now) const {
  return impl_->Late(now);
}

std::string App::Summary() const { return impl_->Summary(); }

}  // namespace remapfleet::agent
