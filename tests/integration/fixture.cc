#include "tests/integration/fixture.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "controller/history/transaction.h"
#include "support/spec_hash.h"
#include "support/tls.h"

namespace remapfleet {
namespace {

// Cleans up when the process ends.
struct PrivateServer {
  PrivateServer() : directory(testing::TempDir() + "remapfleet-it-" + NewUuid().substr(0, 8)) {
    std::filesystem::create_directories(directory);
  }
  ~PrivateServer() {
    (void)std::system(
        (REMAPFLEET_ROOT "/deploy/postgres-local stop " + directory + "/pg >/dev/null 2>&1")
            .c_str());
    std::filesystem::remove_all(directory);
  }
  const std::string directory;
};

const PrivateServer& Server() {
  static const PrivateServer server;
  return server;
}

}  // namespace

std::string Deploy(const std::string& command) {
  std::string output;
  FILE* pipe = popen((REMAPFLEET_ROOT "/deploy/" + command).c_str(), "r");
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  EXPECT_EQ(pclose(pipe), 0) << command;
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

std::string PostgresTest::Directory() { return Server().directory; }

void PostgresTest::SetUpTestSuite() {
  StartPostgres();
  const std::string pki = "pki " + Directory() + "/pki ";
  Deploy(pki + "ca");
  Deploy(pki + "server localhost 127.0.0.1");
  for (const char* host : {"node-1", "node-2"}) Deploy(pki + "host " + host);
  Deploy(pki + "operator ann");
  Deploy("pki " + Directory() + "/strangers ca");
  Deploy("pki " + Directory() + "/strangers host node-1");
}

void PostgresTest::StartPostgres() { Deploy("postgres-local start " + Directory() + "/pg"); }
void PostgresTest::KillPostgres() { Deploy("postgres-local kill " + Directory() + "/pg"); }

void PostgresTest::SetUp() {
  const std::string admin = Deploy("postgres-local url " + Directory() + "/pg");
  const std::string name = "t" + NewUuid().substr(0, 8);
  pqxx::connection connection(admin);
  pqxx::nontransaction(connection).exec("create database " + name);
  url_ = admin.substr(0, admin.rfind('=') + 1) + name;
  database_ = std::make_unique<Database>(url_);
}

std::string PostgresTest::Sql(const std::string& query) {
  pqxx::connection connection(url_);
  const auto rows = pqxx::nontransaction(connection).exec(query);
  return rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].as<std::string>();
}

void ControllerTest::SetUp() {
  PostgresTest::SetUp();
  ASSERT_TRUE(Migrate(*database_, false));
  metrics_ = std::make_unique<Metrics>();
  StartServer();
}

void ControllerTest::TearDown() { StopServer(); }

void ControllerTest::StartServer() {
  gateway_ = std::make_unique<Gateway>(*database_, clock_, *metrics_);
  fleet_ = std::make_unique<FleetApi>(*database_);
  history_ = std::make_unique<HistoryApi>(*database_);
  plans_ = std::make_unique<PlanApi>(*database_, policy_);
  const std::string pki = Directory() + "/pki/";
  const auto credentials = ServerTls({pki + "server.crt", pki + "server.key", pki + "ca.crt"});
  ASSERT_TRUE(credentials) << credentials.error().message();
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", *credentials, &port_);
  builder.RegisterService(gateway_.get());
  builder.RegisterService(fleet_.get());
  builder.RegisterService(history_.get());
  builder.RegisterService(plans_.get());
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  gateway_->Start();
}

void ControllerTest::StopServer() {
  if (!server_) return;
  gateway_->Drain();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  gateway_->Stop();
  server_.reset();
}

std::shared_ptr<grpc::Channel> ControllerTest::ChannelAs(const std::string& name) const {
  const std::string own = name.substr(0, name.find('/'));
  const bool stranger = own == "strangers";
  const std::string base = Directory() + "/" + (stranger ? name : "pki/" + name);
  const auto credentials =
      ClientTls({base + ".crt", base + ".key",
                 Directory() + (stranger ? "/strangers/ca.crt" : "/pki/ca.crt")});
  EXPECT_TRUE(credentials) << credentials.error().message();
  grpc::ChannelArguments arguments;
  // Each test's connections are its own: gRPC would share equal channels.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port_), *credentials, arguments);
}

FakeAgent::FakeAgent(const std::shared_ptr<grpc::Channel>& channel)
    : boot_id(NewUuid()),
      stub_(v1::AgentService::NewStub(channel)),
      stream_(stub_->Connect(&context_)) {}

FakeAgent::~FakeAgent() {
  if (!ended_) {
    context_.TryCancel();
    End();
  }
}

void FakeAgent::Send(const v1::ConnectRequest& request) { stream_->Write(request); }

v1::Hello FakeAgent::HelloMessage() const {
  v1::Hello hello;
  hello.set_boot_id(boot_id);
  hello.set_hostname("node");
  auto& drive = *hello.add_drives();
  drive.set_drive_id("serial-x");
  drive.set_serial("x");
  drive.set_size_bytes(1 << 30);
  auto& spec = *hello.add_configured();
  spec.set_device_name("data0");
  spec.set_drive_id("serial-x");
  spec.set_expected_serial("x");
  spec.set_spare_drive_id("serial-spare");
  return hello;
}

v1::Welcome FakeAgent::Greet() {
  v1::ConnectRequest request;
  *request.mutable_hello() = HelloMessage();
  Send(request);
  const v1::ConnectResponse response = Read();
  EXPECT_TRUE(response.has_welcome()) << response.ShortDebugString();
  return response.welcome();
}

void FakeAgent::SendBatch(std::uint64_t first_seq, const std::vector<v1::Record>& records) {
  v1::ConnectRequest request;
  request.mutable_batch()->set_boot_id(boot_id);
  request.mutable_batch()->set_first_seq(first_seq);
  for (const auto& record : records) *request.mutable_batch()->add_records() = record;
  Send(request);
}

v1::ConnectResponse FakeAgent::Read() {
  v1::ConnectResponse response;
  if (!stream_->Read(&response)) ADD_FAILURE() << "the stream ended: " << End().error_message();
  acked_ = std::max(acked_, response.ack().through_seq());
  return response;
}

std::uint64_t FakeAgent::ReadAck() {
  for (;;) {
    const v1::ConnectResponse response = Read();
    if (response.has_ack()) return response.ack().through_seq();
    if (!response.has_desired()) {
      ADD_FAILURE() << "no acknowledgement: " << response.ShortDebugString();
      return 0;
    }
  }
}

v1::Desired FakeAgent::ReadDesired(std::uint64_t generation) {
  for (;;) {
    const v1::ConnectResponse response = Read();
    if (response.has_desired() && response.desired().generation() >= generation)
      return response.desired();
    if (!response.has_desired() && !response.has_ack()) return {};
  }
}

grpc::Status FakeAgent::End() {
  if (ended_) return grpc::Status(grpc::StatusCode::UNKNOWN, "ended before");
  ended_ = true;
  stream_->WritesDone();
  v1::ConnectResponse response;
  while (stream_->Read(&response)) acked_ = std::max(acked_, response.ack().through_seq());
  return stream_->Finish();
}

v1::Record ReadErrorAt(std::uint64_t sector) {
  v1::Record record;
  auto& error = *record.mutable_io_error();
  error.set_drive_id("serial-x");
  error.mutable_range()->set_first_sector(sector);
  error.mutable_range()->set_sector_count(8);
  error.set_operation(v1::IoError::OPERATION_READ);
  error.set_errno_value(5);
  error.set_count(1);
  *error.mutable_time() = ToProto(SystemClock().Now());
  *record.mutable_time() = error.time();
  return record;
}

v1::Record StatusRecord() {
  v1::Record record;
  auto& status = *record.mutable_remap_status();
  status.set_device_name("data0");
  status.set_drive_id("serial-x");
  status.set_mode("rw");
  status.set_block_bytes(4096);
  *record.mutable_time() = ToProto(SystemClock().Now());
  return record;
}

v1::Record OutcomeOf(const v1::Desired& desired, v1::Outcome::Stage stage) {
  v1::Record record;
  auto& outcome = *record.mutable_outcome();
  outcome.set_kind(desired.kind());
  outcome.set_generation(desired.generation());
  outcome.set_nonce(desired.nonce());
  outcome.set_stage(stage);
  outcome.set_plan_id(desired.remap_device().plan_id());
  outcome.mutable_read_back()->set_status("1 rw");
  outcome.mutable_read_back()->set_table("0 8 remap 1");
  *outcome.mutable_read_back()->mutable_time() = ToProto(SystemClock().Now());
  *record.mutable_time() = outcome.read_back().time();
  return record;
}

}  // namespace remapfleet
