#include "tests/integration/fixture.h"

namespace remapfleet {
namespace {

class StreamTest : public ControllerTest {
 protected:
  FakeAgent Agent(const std::string& host = "node-1") {
    return FakeAgent(ChannelAs("host-" + host));
  }
  std::string earlier_;
};

TEST_F(StreamTest, WhatIsAcknowledgedIsCommittedOnce) {
  FakeAgent agent = Agent();
  const v1::Welcome welcome = agent.Greet();
  EXPECT_EQ(welcome.session_epoch(), 1U);
  EXPECT_EQ(welcome.acked_seq(), 0U);
  agent.SendBatch(1, {ReadErrorAt(8), ReadErrorAt(16), StatusRecord()});
  EXPECT_EQ(agent.ReadAck(), 3U);
  EXPECT_EQ(Sql("select count(*) from io_error"), "2");
  EXPECT_EQ(Sql("select through_seq from stream_position"), "3");
  // Redelivery, whole and overlapping.
  agent.SendBatch(1, {ReadErrorAt(8), ReadErrorAt(16), StatusRecord()});
  EXPECT_EQ(agent.ReadAck(), 3U);
  agent.SendBatch(3, {StatusRecord(), ReadErrorAt(24)});
  EXPECT_EQ(agent.ReadAck(), 4U);
  EXPECT_EQ(Sql("select count(*) from io_error"), "3");
  EXPECT_EQ(Sql("select count(*) from remap_status"), "1");
  EXPECT_EQ(Sql("select count(*) from evidence"), "3");
}

// What a node holds of an earlier boot it sends from the beginning, whatever was acknowledged.
TEST_F(StreamTest, AnAcknowledgementNamesNothingThatThisStreamHasNotSent) {
  {
    FakeAgent before = Agent();
    before.Greet();
    before.SendBatch(1, {ReadErrorAt(8), ReadErrorAt(16), ReadErrorAt(24)});
    EXPECT_EQ(before.ReadAck(), 3U);
    earlier_ = before.boot_id;
  }
  FakeAgent after = Agent();
  after.Greet();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    v1::ConnectRequest request;
    request.mutable_batch()->set_boot_id(earlier_);
    request.mutable_batch()->set_first_seq(seq);
    *request.mutable_batch()->add_records() = ReadErrorAt(8 * seq);
    after.Send(request);
    EXPECT_EQ(after.ReadAck(), seq);
  }
  EXPECT_EQ(Sql("select count(*) from io_error"), "3");
}

TEST_F(StreamTest, AnotherDayAndAMadClockHaveAPlace) {
  FakeAgent agent = Agent();
  agent.Greet();
  v1::Record yesterday = ReadErrorAt(8);
  *yesterday.mutable_time() = ToProto(clock_.Now() - std::chrono::hours(30));
  v1::Record epoch = ReadErrorAt(16);
  epoch.mutable_time()->set_seconds(0);
  agent.SendBatch(1, {yesterday, epoch});
  EXPECT_EQ(agent.ReadAck(), 2U);
  EXPECT_EQ(Sql("select count(*) from io_error where time > now() - interval '1 hour'"), "1");
  EXPECT_EQ(Sql("select count(*) from io_error"), "2");
}

TEST_F(StreamTest, ANewerStreamFencesTheOlder) {
  FakeAgent older = Agent();
  EXPECT_EQ(older.Greet().session_epoch(), 1U);
  FakeAgent newer = Agent();
  EXPECT_EQ(newer.Greet().session_epoch(), 2U);
  const grpc::Status status = older.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "a newer stream of this host has begun");
  newer.SendBatch(1, {ReadErrorAt(8)});
  EXPECT_EQ(newer.ReadAck(), 1U);
  EXPECT_EQ(Sql("select connected from host"), "t");
}

// Its gateway may have been killed with the note still standing.
TEST_F(StreamTest, AHostThatNobodyHearsIsNotConnected) {
  FakeAgent agent = Agent();
  agent.Greet();
  const auto fleet = v1::FleetService::NewStub(ChannelAs("operator-ann"));
  const auto connected = [&] {
    grpc::ClientContext context;
    v1::GetFleetStatusResponse response;
    EXPECT_TRUE(fleet->GetFleetStatus(&context, {}, &response).ok());
    return response.hosts_connected();
  };
  EXPECT_EQ(connected(), 1U);
  Sql("update host set last_seen = now() - interval '1 minute'");
  EXPECT_EQ(connected(), 0U);
}

TEST_F(StreamTest, AnythingButHelloFirstIsRefused) {
  FakeAgent agent = Agent();
  agent.SendBatch(1, {ReadErrorAt(8)});
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Sql("select count(*) from host"), "0");
}

TEST_F(StreamTest, AMalformedBatchEndsTheStreamAndStoresNothing) {
  FakeAgent agent = Agent();
  agent.Greet();
  v1::Record bad = ReadErrorAt(8);
  bad.mutable_io_error()->mutable_range()->set_sector_count(0);
  agent.SendBatch(1, {ReadErrorAt(16), bad});
  const grpc::Status status = agent.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "batch.records[1].io_error.range is empty");
  EXPECT_EQ(Sql("select count(*) from io_error"), "0");
}

// Nothing that a node has seen may end its stream: it would be sent again for ever.
TEST_F(StreamTest, AnErrorOfNoPlaceIsKept) {
  FakeAgent agent = Agent();
  agent.Greet();
  v1::Record flush = ReadErrorAt(8);
  flush.mutable_io_error()->set_operation(v1::IoError::OPERATION_OTHER);
  flush.mutable_io_error()->clear_range();
  agent.SendBatch(1, {flush, ReadErrorAt(16)});
  EXPECT_EQ(agent.ReadAck(), 2U);
  EXPECT_EQ(Sql("select count(*) from io_error where first_sector is null"), "1");
  EXPECT_EQ(Sql("select count(*) from io_error where first_sector = 16"), "1");
}

TEST_F(StreamTest, ASecondHelloIsRefused) {
  FakeAgent agent = Agent();
  agent.Greet();
  v1::ConnectRequest again;
  *again.mutable_hello() = agent.HelloMessage();
  agent.Send(again);
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StreamTest, CertificatesDecideWhoMayDoWhat) {
  FakeAgent as_operator(ChannelAs("operator-ann"));
  EXPECT_EQ(as_operator.End().error_code(), grpc::StatusCode::PERMISSION_DENIED);

  FakeAgent stranger(ChannelAs("strangers/host-node-1"));
  EXPECT_EQ(stranger.End().error_code(), grpc::StatusCode::UNAVAILABLE);  // no handshake

  const auto fleet = v1::FleetService::NewStub(ChannelAs("host-node-1"));
  grpc::ClientContext context;
  v1::ListHostsResponse response;
  EXPECT_EQ(fleet->ListHosts(&context, {}, &response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Sql("select count(*) from host"), "0");
}

TEST_F(StreamTest, HostsAreWhoTheirCertificatesSay) {
  FakeAgent one = Agent("node-1");
  FakeAgent two = Agent("node-2");
  one.Greet();
  two.Greet();
  EXPECT_EQ(Sql("select string_agg(host_id, ',' order by host_id) from host"), "node-1,node-2");
}

TEST_F(StreamTest, ABatchThatFailsInTheMiddleLeavesNothingAndIsTakenLater) {
  // Evidence comes last.
  Sql("alter table evidence rename to evidence_away");
  FakeAgent agent = Agent();
  agent.Greet();
  agent.SendBatch(1, {ReadErrorAt(8), StatusRecord(), ReadErrorAt(16)});
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(agent.acked(), 0U);
  EXPECT_EQ(Sql("select count(*) from io_error"), "0");
  EXPECT_EQ(Sql("select count(*) from stream_position where through_seq > 0"), "0");

  Sql("alter table evidence_away rename to evidence");
  FakeAgent again = Agent();
  EXPECT_EQ(again.Greet().acked_seq(), 0U);
  again.SendBatch(1, {ReadErrorAt(8), StatusRecord(), ReadErrorAt(16)});
  EXPECT_EQ(again.ReadAck(), 3U);
  EXPECT_EQ(Sql("select count(*) from io_error"), "2");
}

// The server dies with the batch's transaction anywhere; whatever was acknowledged must be there
// afterwards, and sending the rest again must complete it without a double.
TEST_F(StreamTest, PostgresKilledInTheMiddleLosesNothingAcknowledged) {
  std::uint64_t acked = 0;
  const std::string boot = [&] {
    FakeAgent agent = Agent();
    agent.Greet();
    for (std::uint64_t seq = 1; seq <= 20; ++seq) {
      agent.SendBatch(seq, {ReadErrorAt(seq * 8)});
      if (seq != 10) continue;
      while (agent.ReadAck() < 5) {
      }
      KillPostgres();
    }
    (void)agent.End();
    acked = agent.acked();
    return agent.boot_id;
  }();
  StartPostgres();
  const std::uint64_t committed = std::stoull(Sql("select through_seq from stream_position"));
  EXPECT_GE(committed, acked);
  EXPECT_EQ(Sql("select count(*) from io_error"), std::to_string(committed));

  FakeAgent agent = Agent();
  agent.Greet();
  v1::ConnectRequest rest;
  rest.mutable_batch()->set_boot_id(boot);
  rest.mutable_batch()->set_first_seq(1);
  for (std::uint64_t seq = 1; seq <= 20; ++seq)
    *rest.mutable_batch()->add_records() = ReadErrorAt(seq * 8);
  agent.Send(rest);
  EXPECT_EQ(agent.ReadAck(), 20U);
  EXPECT_EQ(Sql("select count(distinct first_sector) from io_error"), "20");
}

}  // namespace
}  // namespace remapfleet
