// remap-controller: reads its configuration, brings the database up to date, and runs until it is
// told to stop.

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "controller/api/services.h"
#include "controller/config.h"
#include "controller/decide/brain.h"
#include "controller/gateway/gateway.h"
#include "controller/history/hosts.h"
#include "controller/history/schema.h"
#include "controller/history/upkeep.h"
#include "support/version.h"

namespace remapfleet {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// True if a stop signal came within the time.
bool StoppedWithin(std::chrono::seconds limit) {
  const sigset_t signals = StopSignals();
  const timespec time{limit.count(), 0};
  return sigtimedwait(&signals, nullptr, &time) > 0;
}

int RunMigrate(Database& database, bool dry_run) {
  const auto report = Migrate(database, dry_run);
  if (!report) {
    std::cerr << "remap-controller: " << report.error().message() << "\n";
    return 1;
  }
  for (const auto& name : report->applied) {
    std::cout << (dry_run ? "would apply " : "applied ") << name << "\n";
  }
  std::cout << "schema version " << report->before << " -> " << report->after << "\n";
  return 0;
}

// Waits for the database as long as it takes. The exit status, if it is to end instead: told to
// stop, or waiting cannot help.
std::optional<int> PrepareDatabase(Database& database) {
  for (;;) {
    const auto report = Migrate(database, false);
    if (report) {
      for (const auto& name : report->applied) spdlog::info("database: applied {}", name);
      return std::nullopt;
    }
    if (report.error().code() == Code::kFailedPrecondition) {
      spdlog::critical("{}", report.error().message());
      return 1;
    }
    spdlog::error("waiting for the database: {}", report.error().message());
    if (StoppedWithin(std::chrono::seconds(1))) return 0;
  }
}

int Serve(const ControllerConfig& config) {
  const auto credentials = ServerTls(config.tls);
  if (!credentials) {
    spdlog::critical("{}", credentials.error().message());
    return 1;
  }
  // Apart, so that neither agents nor operators can take the connections that the others need.
  Database database(config.database_url);
  Database for_operators(config.database_url);
  SystemClock clock;
  Metrics metrics;
  const auto metrics_port = metrics.Serve(config.metrics_listen);
  if (!metrics_port) {
    spdlog::critical("{}", metrics_port.error().message());
    return 1;
  }
  const auto prepared = PrepareDatabase(database);
  if (prepared) return *prepared;

  Gateway gateway(database, clock, metrics);
  Brain brain(database, clock, metrics, config.policy);
  Upkeep upkeep(database, clock, config.retention);
  FleetApi fleet(for_operators);
  HistoryApi history(for_operators);
  PlanApi plans(for_operators, config.policy);

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(config.listen, *credentials, &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 15'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  for (grpc::Service* service :
       std::initializer_list<grpc::Service*>{&gateway, &fleet, &history, &plans}) {
    builder.RegisterService(service);
  }
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || port == 0) {
    spdlog::critical("cannot listen on {}: is another controller running?", config.listen);
    return 1;
  }
  upkeep.Start();
  gateway.Start();
  brain.Start();
  server->GetHealthCheckService()->SetServingStatus(true);
  spdlog::info("remap-controller {}: listening on port {}, metrics on port {}", kVersion, port,
               *metrics_port);
  sd_notify(0, "READY=1");

  while (!StoppedWithin(std::chrono::hours(24))) {
  }
  spdlog::info("stopping");
  sd_notify(0, "STOPPING=1");
  server->GetHealthCheckService()->SetServingStatus(false);
  brain.Stop();
  upkeep.Stop();
  gateway.Drain();
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  gateway.Stop();
  return 0;
}

}  // namespace
}  // namespace remapfleet

int main(int argc, char** argv) {
  CLI::App app{"remap-controller: takes in what storage nodes report and decides what to remap"};
  std::string config_path = "/etc/remapfleet/controller.toml";
  bool check_only = false;
  bool dry_run = false;
  app.add_option("--config", config_path, "configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "check the configuration and end");
  app.set_version_flag("--version", remapfleet::kVersion);
  auto* migrate = app.add_subcommand("migrate", "bring the database to this program's schema");
  migrate->add_flag("--dry-run", dry_run, "only say what would be done");
  migrate->fallthrough();
  CLI11_PARSE(app, argc, argv);

  spdlog::set_default_logger(spdlog::stderr_color_mt("remap-controller"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc);
  spdlog::flush_on(spdlog::level::info);
  const auto config = remapfleet::LoadConfig(config_path);
  if (!config) {
    std::cerr << "remap-controller: " << config.error().message() << "\n";
    return 2;
  }
  if (check_only) {
    std::cout << config_path << ": good\n";
    return 0;
  }
  // Every thread inherits this: signals wait for sigtimedwait.
  const sigset_t signals = remapfleet::StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (migrate->parsed()) {
    remapfleet::Database database(config->database_url);
    return remapfleet::RunMigrate(database, dry_run);
  }
  return remapfleet::Serve(*config);
}
