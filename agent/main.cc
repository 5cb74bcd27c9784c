// remap-agent: reads its configuration, and runs until it is told to stop.

#include <CLI/CLI.hpp>
#include <iostream>

#include "agent/app.h"
#include "agent/assemble.h"
#include "agent/doctor/doctor.h"
#include "agent/log.h"
#include "agent/probe.h"
#include "agent/remap/module_loader.h"
#include "agent/service.h"
#include "support/version.h"

namespace remapfleet::agent {
namespace {

Result<std::unique_ptr<App>> Start(const Config& config) {
  SetLogLevel(config.log_level);
  auto outside = MakeOutside(config);
  if (!outside) return Fail(outside.error());
  return App::Start(config, std::move(*outside));
}

int LoadModule(const Config& config) {
  const Status loaded = MakeModuleLoader()->Load(config.module);
  if (loaded) return 0;
  std::cerr << "remap-agent: " << loaded.error().message() << "\n";
  return 1;
}

// 0 unless a device cannot be brought up that should be: what waits for a drive is tried again when
// that comes.
int AssembleAll(const Config& config) {
  const auto all = AssembleThisNode(config);
  if (!all) {
    std::cerr << "remap-agent: " << all.error().message() << "\n";
    return all.error().code() == Code::kFailedPrecondition ? 0 : 1;
  }
  int status = 0;
  for (const Assembly& device : *all) {
    const bool failed = device.state == Assembly::State::kFailed;
    if (failed) status = 1;
    std::cerr << device.device << ": "
              << (failed                                 ? "NOT UP: "
                  : device.state == Assembly::State::kUp ? "up"
                                                         : "waits: ")
              << device.why << "\n";
  }
  return status;
}

int TellUdev(const Config& config, const std::string& device) {
  const auto drive = DriveAt(DriveRoots{}, device);
  if (!drive) {
    std::cerr << "remap-agent: " << device << ": the kernel has no such disk\n";
    return 1;
  }
  std::cout << UdevProperties(config, *drive);
  return 0;
}

int Diagnose(const Result<Config>& config, bool json) {
  const Findings findings =
      config ? Examine(*config)
             : Findings{{Finding::Level::kFail, "configuration", config.error().message()}};
  std::cout << RenderFindings(findings, json);
  return AnyFailed(findings) ? 1 : 0;
}

int Print(const Result<v1::DriveHealth>& health, bool json) {
  if (!health) {
    std::cerr << "remap-agent: " << health.error().message() << "\n";
    return 1;
  }
  std::cout << RenderHealth(*health, json);
  return 0;
}

}  // namespace
}  // namespace remapfleet::agent

int main(int argc, char** argv) {
  using namespace remapfleet::agent;
  CLI::App app{"remap-agent: watches this node's drives and drives its remap devices"};
  std::string config_path = "/etc/remapfleet/agent.toml";
  std::string device;
  std::string blob;
  std::string smartctl;
  bool check_only = false;
  bool json = false;
  app.add_option("--config", config_path, "configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "check the configuration and end");
  app.set_version_flag("--version", remapfleet::kVersion);
  auto* probe = app.add_subcommand("probe", "print one drive's health and end");
  auto* from_device = probe->add_option("DEVICE", device, "a disk, e.g. /dev/sda");
  auto* from_blob = probe->add_option("--ata-blob", blob, "a recording made by skdump --save")
                        ->excludes(from_device);
  probe->add_option("--smartctl-json", smartctl, "what smartctl --json -x printed")
      ->excludes(from_device)
      ->excludes(from_blob);
  probe->add_flag("--json", json, "as JSON");
  const auto* load_module = app.add_subcommand(
      "load-module",
      "load the target that the configuration names, as a unit does before the agent");
  const auto* assemble = app.add_subcommand(
      "assemble", "bring up the configured devices whose drives are there, as boot does");
  auto* udev = app.add_subcommand("udev", "print what udev is to know of a disk");
  udev->add_option("DEVICE", device, "a disk, e.g. /dev/sda")->required();
  auto* doctor = app.add_subcommand(
      "doctor", "say what the agent can and cannot do on this host, and what to do about it");
  doctor->add_flag("--json", json, "as JSON");
  CLI11_PARSE(app, argc, argv);
  if (probe->parsed()) {
    if (!device.empty()) return Print(ProbeDevice(device), json);
    if (!blob.empty()) return Print(ProbeBlob(blob), json);
    if (!smartctl.empty()) return Print(ProbeSmartctl(smartctl), json);
    std::cerr << "remap-agent: probe needs a DEVICE, --ata-blob FILE or --smartctl-json FILE\n";
    return 2;
  }
  StartLog();
  const auto config = LoadConfig(config_path);
  if (doctor->parsed()) return Diagnose(config, json);
  if (!config) {
    std::cerr << "remap-agent: " << config.error().message() << "\n";
    return 2;
  }
  if (check_only) {
    std::cout << config_path << ": good\n";
    return 0;
  }
  if (load_module->parsed()) return LoadModule(*config);
  if (assemble->parsed()) return AssembleAll(*config);
  if (udev->parsed()) return TellUdev(*config, device);
  return RunService(config_path, *config, Start);
}
