// remapctl: the operators' tool. Noun then verb; see --help.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "controller/ctl/client.h"
#include "controller/ctl/parse.h"
#include "controller/ctl/render.h"
#include "support/version.h"

namespace remapfleet::ctl {
namespace {

struct Options {
  Connection connection;
  bool json = false;
  bool dry_run = false;
  bool yes = false;
  std::string host;
  std::string drive;
  std::string plan;
  std::string state;
  std::string action = "proactive-copy";
  std::vector<std::string> ranges;
  std::string reason;
  std::string comment;
  int limit = 100;
};

// For people a table, for programs the message.
template <class Message>
Status Print(const Options& options, const Message& message) {
  std::cout << (options.json ? Json(message) : Render(message)) << std::flush;
  return {};
}

// All pages of a list as one message. `append` moves a page's items over.
template <class Response, class Request, class Fetch, class Append>
Result<Response> AllPages(Request request, Fetch fetch, Append append) {
  Response all;
  for (;;) {
    auto page = fetch(request);
    if (!page) return Fail(page.error());
    append(all, *page);
    if (page->next_page_token().empty()) return all;
    request.set_page_token(page->next_page_token());
  }
}

Status HostList(Client& client, const Options& options) {
  const auto all = AllPages<v1::ListHostsResponse>(
      v1::ListHostsRequest(),
      [&](const auto& request) {
        return client.Call(*client.fleet, &v1::FleetService::StubInterface::ListHosts, request);
      },
      [](auto& to, const auto& page) { to.mutable_hosts()->MergeFrom(page.hosts()); });
  return all ? Print(options, *all) : Status(Fail(all.error()));
}

Status DeviceList(Client& client, const Options& options) {
  v1::ListDevicesRequest first;
  first.set_host_id(options.host);
  const auto all = AllPages<v1::ListDevicesResponse>(
      first,
      [&](const auto& request) {
        return client.Call(*client.fleet, &v1::FleetService::StubInterface::ListDevices, request);
      },
      [](auto& to, const auto& page) { to.mutable_devices()->MergeFrom(page.devices()); });
  return all ? Print(options, *all) : Status(Fail(all.error()));
}

Status DeviceShow(Client& client, const Options& options) {
  v1::GetDeviceRequest request;
  request.set_drive_id(options.drive);
  const auto response =
      client.Call(*client.fleet, &v1::FleetService::StubInterface::GetDevice, request);
  return response ? Print(options, response->device()) : Status(Fail(response.error()));
}

Status DeviceHistory(Client& client, const Options& options) {
  v1::ListHistoryRequest request;
  request.set_drive_id(options.drive);
  request.set_page_size(options.limit);
  const auto response =
      client.Call(*client.history, &v1::HistoryService::StubInterface::ListHistory, request);
  return response ? Print(options, *response) : Status(Fail(response.error()));
}

Status PlanList(Client& client, const Options& options) {
  v1::ListPlansRequest first;
  if (!options.state.empty()) {
    v1::Plan::State state{};
    if (!v1::Plan::State_Parse("STATE_" + options.state, &state)) {
      return Fail(Code::kInvalidArgument,
                  "no such state: " + options.state +
                      " (AWAITING_APPROVAL, APPROVED, ISSUED, APPLIED, REJECTED, FAILED, EXPIRED)");
    }
    first.set_state(state);
  }
  const auto all = AllPages<v1::ListPlansResponse>(
      first,
      [&](const auto& request) {
        return client.Call(*client.plans, &v1::PlanService::StubInterface::ListPlans, request);
      },
      [](auto& to, const auto& page) { to.mutable_plans()->MergeFrom(page.plans()); });
  return all ? Print(options, *all) : Status(Fail(all.error()));
}

Status PlanShow(Client& client, const Options& options) {
  v1::GetPlanRequest request;
  request.set_plan_id(options.plan);
  const auto response =
      client.Call(*client.plans, &v1::PlanService::StubInterface::GetPlan, request);
  return response ? Print(options, response->plan()) : Status(Fail(response.error()));
}

// Asks a person; a script must say --yes.
Status Confirm(const Options& options, const std::string& what) {
  if (options.yes || options.dry_run) return {};
  if (isatty(STDIN_FILENO) == 0) {
    return Fail(Code::kInvalidArgument, "this changes a storage node: say --yes, or try --dry-run");
  }
  std::cerr << what << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "yes") return {};
  return Fail(Code::kCancelled, "nothing was changed");
}

template <class Request, class Response>
Status ChangePlan(Client& client, const Options& options, const std::string& question,
                  Request request,
                  grpc::Status (v1::PlanService::StubInterface::*method)(grpc::ClientContext*,
                                                                         const Request&,
                                                                         Response*)) {
  const Status sure = Confirm(options, question);
  if (!sure) return sure;
  request.set_request_id(NewUuid());
  request.set_validate_only(options.dry_run);
  auto response = client.Call(*client.plans, method, request);
  // It may have been done although no answer came: asking again with the same id gets that answer.
  for (int again = 0; again < 3 && !response && response.error().code() == Code::kUnavailable;
       ++again) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    response = client.Call(*client.plans, method, request);
  }
  if (!response) return Fail(response.error());
  if (options.dry_run) std::cerr << "dry run: nothing was changed\n";
  return Print(options, response->plan());
}

Status PlanApprove(Client& client, const Options& options) {
  v1::ApprovePlanRequest request;
  request.set_plan_id(options.plan);
  request.set_comment(options.comment);
  return ChangePlan(client, options, "approve plan " + options.plan, request,
                    &v1::PlanService::StubInterface::ApprovePlan);
}

Status PlanReject(Client& client, const Options& options) {
  v1::RejectPlanRequest request;
  request.set_plan_id(options.plan);
  request.set_comment(options.comment);
  return ChangePlan(client, options, "reject plan " + options.plan, request,
                    &v1::PlanService::StubInterface::RejectPlan);
}

Status PlanCreate(Client& client, const Options& options) {
  v1::CreatePlanRequest request;
  request.set_drive_id(options.drive);
  request.set_host_id(options.host);
  request.set_reason(options.reason);
  request.set_action(options.action == "remap-on-write" ? v1::Plan::ACTION_REMAP_ON_WRITE
                                                        : v1::Plan::ACTION_PROACTIVE_COPY);
  for (const std::string& text : options.ranges) {
    const auto range = ParseRange(text);
    if (!range) return Fail(range.error());
    *request.add_ranges() = *range;
  }
  return ChangePlan(client, options, "send these blocks of " + options.drive + " to spare slots",
                    request, &v1::PlanService::StubInterface::CreatePlan);
}

Status FleetStatus(Client& client, const Options& options) {
  const auto response = client.Call(*client.fleet, &v1::FleetService::StubInterface::GetFleetStatus,
                                    v1::GetFleetStatusRequest());
  return response ? Print(options, *response) : Status(Fail(response.error()));
}

using Command = Status (*)(Client&, const Options&);

// Adds `noun verb`, which runs `command`.
CLI::App* Verb(CLI::App* noun, const char* verb, const char* help, Command command,
               Command& chosen) {
  auto* added = noun->add_subcommand(verb, help);
  added->fallthrough();
  added->callback([command, &chosen] { chosen = command; });
  return added;
}

void AddConnection(CLI::App& app, Connection& connection) {
  app.add_option("--server", connection.server, "controller, HOST:PORT")
      ->envname("REMAPCTL_SERVER")
      ->capture_default_str();
  app.add_option("--server-name", connection.server_name, "name in its certificate")
      ->envname("REMAPCTL_SERVER_NAME");
  app.add_option("--cert", connection.tls.certificate, "your certificate (PEM)")
      ->envname("REMAPCTL_CERT");
  app.add_option("--key", connection.tls.key, "its key (PEM)")->envname("REMAPCTL_KEY");
  app.add_option("--ca", connection.tls.ca, "the CA (PEM)")->envname("REMAPCTL_CA");
  app.add_option("--timeout", connection.timeout_s, "seconds for each call")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
}

void AddCommands(CLI::App& app, Options& options, Command& chosen) {
  auto* host = app.add_subcommand("host", "storage nodes")->require_subcommand(1)->fallthrough();
  Verb(host, "list", "all hosts", HostList, chosen);
  auto* device = app.add_subcommand("device", "drives and their remap devices")
                     ->require_subcommand(1)
                     ->fallthrough();
  Verb(device, "list", "all drives", DeviceList, chosen)
      ->add_option("--host", options.host, "only this host");
  Verb(device, "show", "one drive: health, remap state, risk", DeviceShow, chosen)
      ->add_option("DRIVE", options.drive)
      ->required();
  auto* history =
      Verb(device, "history", "what a drive has said, newest first", DeviceHistory, chosen);
  history->add_option("DRIVE", options.drive)->required();
  history->add_option("--limit", options.limit, "lines")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  auto* plan = app.add_subcommand("plan", "decisions and what became of them")
                   ->require_subcommand(1)
                   ->fallthrough();
  Verb(plan, "list", "all plans, newest first", PlanList, chosen)
      ->add_option("--state", options.state, "only this state");
  Verb(plan, "show", "one plan: evidence, steps, read-back", PlanShow, chosen)
      ->add_option("PLAN", options.plan)
      ->required();
  auto* approve = Verb(plan, "approve", "let a waiting plan go", PlanApprove, chosen);
  auto* reject = Verb(plan, "reject", "end a waiting plan", PlanReject, chosen);
  auto* create = Verb(plan, "create", "have blocks sent to spare slots", PlanCreate, chosen);
  for (auto* verb : {approve, reject}) verb->add_option("PLAN", options.plan)->required();
  approve->add_option("--comment", options.comment, "for the audit log");
  reject->add_option("--comment", options.comment, "why, for the audit log")->required();
  create->add_option("--drive", options.drive, "drive id")->required();
  create->add_option("--host", options.host, "its host, where several have had it");
  create->add_option("--action", options.action)
      ->check(CLI::IsMember({"proactive-copy", "remap-on-write"}))
      ->capture_default_str();
  create->add_option("--range", options.ranges, "FIRST[+COUNT] in 512-byte sectors of the drive")
      ->required();
  create->add_option("--reason", options.reason, "for the audit log")->required();
  for (auto* verb : {approve, reject, create}) {
    verb->add_flag("--dry-run", options.dry_run, "check and show, change nothing");
    verb->add_flag("--yes", options.yes, "do not ask");
  }
  Verb(&app, "status", "the fleet in a few lines", FleetStatus, chosen);
}

int Run(int argc, char** argv) {
  CLI::App app{
      "remapctl: ask and steer a Remapfleet controller\n\n"
      "  remapctl status\n  remapctl device show serial-…\n  remapctl --json plan list\n"
      "  remapctl plan create --drive serial-… --range 81920+8 --reason \"noisy\" --dry-run\n"};
  app.footer(
      "Exit status: 0 ok, 1 failure, 2 usage, 3 not found, 4 denied, 5 conflict, 6 unavailable, "
      "124 timeout.");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  Options options;
  app.add_flag("--json", options.json, "JSON instead of tables");
  AddConnection(app, options.connection);
  Command command = nullptr;
  AddCommands(app, options, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  auto client = Client::Connect(options.connection);
  const Status status = client ? command(*client, options) : Status(Fail(client.error()));
  if (status) return 0;
  std::cerr << "remapctl: " << status.error().message() << "\n";
  return ExitCode(status.error().code());
}

}  // namespace
}  // namespace remapfleet::ctl

int main(int argc, char** argv) { return remapfleet::ctl::Run(argc, argv); }
