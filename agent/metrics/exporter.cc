#include "agent/metrics/exporter.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <filesystem>

#include "support/version.h"

namespace remapfleet::agent {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
 public:
  void Add(const char* name, const char* help, MetricType type, double value,
           std::vector<ClientMetric::Label> labels = {}) {
    auto [found, added] = index_.try_emplace(name, families_.size());
    if (added) {
      families_.push_back({std::string("remapfleet_agent_") + name, help, type, {}});
    }
    ClientMetric metric;
    metric.label = std::move(labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    families_[found->second].metric.push_back(std::move(metric));
  }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<MetricFamily> families_;
};

void AddHealth(Families& families, const AgentState::DriveState& drive,
               const std::vector<ClientMetric::Label>& labels) {
  const v1::DriveHealth& health = drive.health;
  const auto gauge = [&](const char* name, const char* help, bool has, double value) {
    if (has) families.Add(name, help, MetricType::Gauge, value, labels);
  };
  gauge("temperature_celsius", "Temperature of the drive.", health.has_temperature_celsius(),
        health.temperature_celsius());
  gauge("smart_healthy", "1 if the drive's own verdict is passed.", health.has_smart_passed(),
        health.smart_passed() ? 1 : 0);
  gauge("reallocated_sectors", "Reallocated sectors (attribute 5).",
        health.has_reallocated_sectors(), static_cast<double>(health.reallocated_sectors()));
  gauge("pending_sectors", "Pending sectors (attribute 197).", health.has_pending_sectors(),
        static_cast<double>(health.pending_sectors()));
  gauge("uncorrectable_sectors", "Offline uncorrectable sectors (attribute 198).",
        health.has_offline_uncorrectable_sectors(),
        static_cast<double>(health.offline_uncorrectable_sectors()));
  gauge("grown_defects", "Entries of the grown defect list (SCSI).", health.has_grown_defects(),
        static_cast<double>(health.grown_defects()));
  gauge("media_errors", "Blocks that were not delivered whole (NVMe).", health.has_media_errors(),
        static_cast<double>(health.media_errors()));
  gauge("critical_warning", "The critical warning byte, a bit for each reason (NVMe).",
        health.has_critical_warning(), health.critical_warning());
  gauge("endurance_used_ratio", "Share of the rated endurance that is used; may pass 1.",
        health.has_percentage_used(), health.percentage_used() / 100.0);
  gauge("standby", "1 if the drive slept when it was last looked at.",
        health.power_state() != v1::DriveHealth::POWER_STATE_UNSPECIFIED,
        health.power_state() == v1::DriveHealth::POWER_STATE_STANDBY ? 1 : 0);
  gauge("last_success_timestamp_seconds", "When the drive's health was last read.",
        drive.health_time != TimePoint{},
        std::chrono::duration<double>(drive.health_time.time_since_epoch()).count());
}

void AddRemap(Families& families, const v1::RemapStatus& status,
              const std::vector<ClientMetric::Label>& labels) {
  if (status.device_name().empty()) return;
  const auto counter = [&](const char* key) {
    const auto found = status.counters().find(key);
    return found == status.counters().end() ? 0.0 : static_cast<double>(found->second);
  };
  families.Add("remapped_blocks", "Blocks on spare slots.", MetricType::Gauge, counter("remaps"),
               labels);
  families.Add("pending_blocks", "Blocks that answer with an error until rewritten.",
               MetricType::Gauge, counter("pending"), labels);
  if (counter("slots") > 0) {
    families.Add("remap_slots_used_ratio", "Share of spare slots in use or bad.", MetricType::Gauge,
                 (counter("slots_used") + counter("slots_bad")) / counter("slots"), labels);
  }
}

class Source final : public prometheus::Collectable {
 public:
  Source(const AgentState& state, std::function<AgentGauges()> gauges)
      : state_(state), gauges_(std::move(gauges)) {}

  std::vector<MetricFamily> Collect() const override {
    Families families;
    families.Add("build_info", "Always 1; the labels say what is running.", MetricType::Gauge, 1,
                 {{"version", kVersion}});
    const AgentGauges own = gauges_();
    families.Add("connected", "1 while a stream to the controller is open.", MetricType::Gauge,
                 own.connected ? 1 : 0);
    families.Add("spool_records", "Records not yet committed by the controller.", MetricType::Gauge,
                 static_cast<double>(own.spool_records));
    families.Add("spool_bytes", "Bytes of the spool on disk.", MetricType::Gauge,
                 static_cast<double>(own.spool_bytes));
    families.Add("spool_dropped_total",
                 "Records lost because the spool was full or could not be written.",
                 MetricType::Counter, static_cast<double>(own.spool_dropped));
    families.Add("spool_failing", "1 while the spool cannot be written.", MetricType::Gauge,
                 own.spool_failing ? 1 : 0);
    families.Add("self_tests_started_total", "Self-tests that drives began on this agent's order.",
                 MetricType::Counter, static_cast<double>(own.self_tests_started));
    families.Add("self_tests_refused_total", "Self-tests that drives did not begin when ordered.",
                 MetricType::Counter, static_cast<double>(own.self_tests_refused));
    if (own.controller_clock_ahead) {
      families.Add("controller_clock_ahead_seconds",
                   "How far the controller's clock was ahead when it was last reached.",
                   MetricType::Gauge,
                   std::chrono::duration<double>(*own.controller_clock_ahead).count());
    }
    if (own.certificate_ends) {
      families.Add("certificate_not_after_timestamp_seconds", "When this node's certificate ends.",
                   MetricType::Gauge,
                   std::chrono::duration<double>(own.certificate_ends->time_since_epoch()).count());
    }
    for (const auto& [id, drive] : state_.Drives()) {
      // The kernel's name, to join with node_exporter; the id where the drive has not been read
      // yet.
      const std::string path = drive.health.drive().path();
      const std::vector<ClientMetric::Label> labels = {
          {"device", path.empty() ? id : std::filesystem::path(path).filename().string()}};
      AddHealth(families, drive, labels);
      AddRemap(families, drive.remap, labels);
      if (drive.slow) {
        families.Add("fail_slow", "1 while the drive stays slower than the node's others like it.",
                     MetricType::Gauge, *drive.slow ? 1 : 0, labels);
      }
      families.Add("io_errors_total", "I/O errors that the kernel reported.", MetricType::Counter,
                   static_cast<double>(drive.io_errors), labels);
    }
    return families.Take();
  }

 private:
  const AgentState& state_;
  const std::function<AgentGauges()> gauges_;
};

}  // namespace

struct Exporter::Impl {
  Impl(const std::string& listen, std::shared_ptr<Source> from)
      : source(std::move(from)), exposer(listen) {
    exposer.RegisterCollectable(source);
  }
  std::shared_ptr<Source> source;  // the exposer keeps a weak pointer
  prometheus::Exposer exposer;
};

Result<std::unique_ptr<Exporter>> Exporter::Start(const std::string& listen,
                                                  const AgentState& state,
                                                  std::function<AgentGauges()> gauges) {
  try {
    return std::unique_ptr<Exporter>(new Exporter(
        std::make_unique<Impl>(listen, std::make_shared<Source>(state, std::move(gauges)))));
  } catch (const std::exception& error) {
    return Fail(Code::kUnavailable, "metrics cannot listen on " + listen + ": " + error.what());
  }
}

Exporter::Exporter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Exporter::~Exporter() = default;

int Exporter::port() const {
  const auto ports = impl_->exposer.GetListeningPorts();
  return ports.empty() ? 0 : ports.front();
}

}  // namespace remapfleet::agent
