#include "controller/metrics/metrics.h"

#include "support/version.h"

namespace remapfleet {
namespace {

using prometheus::Registry;

prometheus::Gauge& Gauge(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Counter& Counter(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Histogram& Seconds(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
      {}, prometheus::Histogram::BucketBoundaries{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
                                                  0.5, 1, 2, 5, 10});
}

}  // namespace

Metrics::Metrics() : Metrics(std::make_shared<Registry>()) {}

Metrics::Metrics(std::shared_ptr<Registry> registry)
    : streams(
          Gauge(*registry, "remapfleet_controller_streams", "Agents connected to this process.")),
      records(Counter(*registry, "remapfleet_controller_records_total", "Records committed.")),
      batches(Counter(*registry, "remapfleet_controller_batches_total", "Batches committed.")),
      refused(Counter(*registry, "remapfleet_controller_streams_refused_total",
                      "Streams ended for what the agent sent or who it was.")),
      ingest_seconds(Seconds(*registry, "remapfleet_controller_ingest_seconds",
                             "Time from a batch received to committed.")),
      database_errors(Counter(*registry, "remapfleet_controller_database_errors_total",
                              "Transactions that failed.")),
      plans_automatic(Counter(*registry, "remapfleet_controller_plans_automatic_total",
                              "Plans that went out without a person.")),
      plans_waiting(Counter(*registry, "remapfleet_controller_plans_waiting_total",
                            "Plans that had to wait for a person.")),
      decide_seconds(Seconds(*registry, "remapfleet_controller_decide_seconds",
                             "Time from evidence taken to plans committed.")),
      registry_(std::move(registry)) {
  prometheus::BuildGauge()
      .Name("remapfleet_controller_build_info")
      .Help("Always 1; the labels say what is running.")
      .Register(*registry_)
      .Add({{"version", kVersion}})
      .Set(1);
}

Result<int> Metrics::Serve(const std::string& listen) {
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(listen);
  } catch (const std::exception& error) {
    return Fail(Code::kUnavailable, "metrics cannot listen on " + listen + ": " + error.what());
  }
  exposer_->RegisterCollectable(registry_);
  const auto ports = exposer_->GetListeningPorts();
  return ports.empty() ? 0 : ports.front();
}

}  // namespace remapfleet
