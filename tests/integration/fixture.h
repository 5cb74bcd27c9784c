#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "controller/api/services.h"
#include "controller/decide/brain.h"
#include "controller/gateway/gateway.h"
#include "controller/history/database.h"
#include "controller/history/schema.h"
#include "remapfleet/v1/agent_service.grpc.pb.h"

namespace remapfleet {

// Runs a command of deploy/ and returns its standard output without the last newline; fails the
// test if it fails.
std::string Deploy(const std::string& command);

// A private PostgreSQL and certificates, made once for the process; a fresh database for each test.
class PostgresTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  void SetUp() override;

  static std::string Directory();
  // kill -9 of the whole server, and start of it again.
  static void KillPostgres();
  static void StartPostgres();
  // One value, as text; empty for null and for no row.
  std::string Sql(const std::string& query);

  std::string url_;
  std::unique_ptr<Database> database_;
};

// The controller's services on a loopback port, with a stub for each kind of certificate.
class ControllerTest : public PostgresTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  void StartServer();
  void StopServer();
  std::shared_ptr<grpc::Channel> ChannelAs(const std::string& certificate_name) const;

  SystemClock clock_;
  std::unique_ptr<Metrics> metrics_;
  Policy policy_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<FleetApi> fleet_;
  std::unique_ptr<HistoryApi> history_;
  std::unique_ptr<PlanApi> plans_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// An agent as the contract describes it, driven by hand.
class FakeAgent {
 public:
  explicit FakeAgent(const std::shared_ptr<grpc::Channel>& channel);
  ~FakeAgent();

  void Send(const v1::ConnectRequest& request);
  // Hello with this boot, the drive "serial-x" and the device data0.
  v1::Hello HelloMessage() const;
  v1::Welcome Greet();
  void SendBatch(std::uint64_t first_seq, const std::vector<v1::Record>& records);
  // The next message; fails the test if the stream ends instead.
  v1::ConnectResponse Read();
  // Reads on until an acknowledgement, keeping desired states on the way.
  std::uint64_t ReadAck();
  // Reads on until a desired state of this generation or later.
  v1::Desired ReadDesired(std::uint64_t generation);
  // Reads to the end.
  grpc::Status End();
  // The highest acknowledgement so far.
  std::uint64_t acked() const { return acked_; }

  const std::string boot_id;

 private:
  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ConnectRequest, v1::ConnectResponse>> stream_;
  bool ended_ = false;
  std::uint64_t acked_ = 0;
};

// Records of the drive "serial-x", made now.
v1::Record ReadErrorAt(std::uint64_t sector);
v1::Record StatusRecord();
v1::Record OutcomeOf(const v1::Desired& desired, v1::Outcome::Stage stage);

}  // namespace remapfleet
