// Generations: what a node is told, what it answers, and what becomes of plans when the two do not
// fit together.
#include "controller/history/desired.h"

#include "controller/history/hosts.h"
#include "controller/history/transaction.h"
#include "support/spec_hash.h"
#include "tests/integration/loop_fixture.h"

namespace remapfleet {
namespace {

class DesiredTest : public LoopTest {
 protected:
  // The node comes back with this hello, and says its state.
  void ComeBack(const std::function<void(v1::Hello&)>& change) {
    agent_ = std::make_unique<FakeAgent>(ChannelAs("host-node-1"));
    v1::ConnectRequest request;
    *request.mutable_hello() = agent_->HelloMessage();
    change(*request.mutable_hello());
    agent_->Send(request);
    EXPECT_TRUE(agent_->Read().has_welcome());
    next_seq_ = 1;
  }
};

TEST_F(DesiredTest, ARefusalOfAnOldGenerationFailsNoPlan) {
  Send({ReadErrorAt(80)});
  Tick();
  const v1::Desired second = agent_->ReadDesired(2);
  Send({ReadErrorAt(800)});
  Tick();
  const v1::Desired third = agent_->ReadDesired(3);
  // As a node does that has the third already: it carries what the second asked for.
  Send({OutcomeOf(second, v1::Outcome::STAGE_REJECTED)});
  for (const v1::Plan& plan : Plans()) EXPECT_EQ(plan.state(), v1::Plan::STATE_ISSUED);
  Send({OutcomeOf(third, v1::Outcome::STAGE_APPLIED)});
  for (const v1::Plan& plan : Plans()) EXPECT_EQ(plan.state(), v1::Plan::STATE_APPLIED);
}

TEST_F(DesiredTest, AnAnswerToWhatWasNeverAskedChangesNothing) {
  Send({ReadErrorAt(80)});
  Tick();
  v1::Desired desired = agent_->ReadDesired(2);
  v1::Desired other = desired;
  other.set_generation(1'000'000);
  Send({OutcomeOf(other, v1::Outcome::STAGE_APPLIED)});
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_ISSUED);
  other = desired;
  other.set_nonce("of another time");
  Send({OutcomeOf(other, v1::Outcome::STAGE_APPLIED)});
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_ISSUED);
  Send({OutcomeOf(desired, v1::Outcome::STAGE_APPLIED)});
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_APPLIED);
  // All of them are history.
  EXPECT_EQ(Sql("select count(*) from outcome where stage = 2"), "3");
}

TEST_F(DesiredTest, WhatAnOlderGenerationDidStaysWantedWhenTheNewerOneIsRefused) {
  Send({ReadErrorAt(80)});
  Tick();
  const v1::Desired second = agent_->ReadDesired(2);
  Send({ReadErrorAt(800)});
  Tick();
  const v1::Desired third = agent_->ReadDesired(3);
  Send({OutcomeOf(second, v1::Outcome::STAGE_APPLIED),
        OutcomeOf(third, v1::Outcome::STAGE_REJECTED)});
  Send({ReadErrorAt(8000)});
  Tick();
  const v1::Desired fourth = agent_->ReadDesired(4);
  ASSERT_EQ(fourth.remap_device().remap_ranges_size(), 2);
  EXPECT_EQ(fourth.remap_device().remap_ranges(0).first_sector(), 80U);
  EXPECT_EQ(fourth.remap_device().remap_ranges(1).first_sector(), 8000U);
}

TEST_F(DesiredTest, TheSameGenerationWithAnotherContentIsOvertaken) {
  const v1::Desired first = agent_->ReadDesired(1);
  ComeBack([&](v1::Hello& hello) {
    (*hello.mutable_known_generations())[first.kind()] = 1;
    (*hello.mutable_known_hashes())[first.kind()] = std::string(32, 'x');
  });
  const v1::Desired again = agent_->ReadDesired(1);
  EXPECT_EQ(again.generation(), 2U);
  EXPECT_EQ(again.spec_sha256(), first.spec_sha256());
}

TEST_F(DesiredTest, AnotherSpareInTheNodesConfigurationIsFollowed) {
  Send({ReadErrorAt(80)});
  Tick();
  EXPECT_EQ(agent_->ReadDesired(2).remap_device().spare_drive_id(), "serial-spare");
  ComeBack([](v1::Hello& hello) { hello.mutable_configured(0)->set_spare_drive_id("serial-new"); });
  const v1::Desired moved = agent_->ReadDesired(3);
  EXPECT_EQ(moved.remap_device().spare_drive_id(), "serial-new");
  EXPECT_EQ(moved.remap_device().remap_ranges_size(), 1);
  EXPECT_EQ(moved.spec_sha256(), SpecHash(moved.remap_device()));
  EXPECT_EQ(Sql("select count(*) from audit where action = 'device.changed'"), "1");
  Send({OutcomeOf(moved, v1::Outcome::STAGE_APPLIED)});
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_APPLIED);
}

TEST_F(DesiredTest, AnotherDriveBeginsAnewAndItsPlansEnd) {
  Send({ReadErrorAt(80)});
  Tick();
  (void)agent_->ReadDesired(2);
  ComeBack([](v1::Hello& hello) {
    hello.mutable_configured(0)->set_drive_id("serial-y");
    auto& drive = *hello.add_drives();
    drive.set_drive_id("serial-y");
    drive.set_size_bytes(1 << 30);
  });
  const v1::Desired moved = agent_->ReadDesired(3);
  EXPECT_EQ(moved.remap_device().drive_id(), "serial-y");
  EXPECT_EQ(moved.remap_device().remap_ranges_size(), 0);
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_FAILED);
  // Errors of the drive that has left lead to no plan for the one that came.
  Send({ReadErrorAt(800)});
  Tick();
  EXPECT_EQ(Plans().size(), 1U);
}

// Two replicas that decide on one drive at once would each find the day's budget unspent, and each
// plan the same blocks.
TEST_F(DesiredTest, WhoDecidesOnADriveHoldsItsDevice) {
  const Status held = database_->Transact([&](Transaction& t) -> Status {
    EXPECT_TRUE(SpecOnDrive(t, HostId("node-1"), DriveId("serial-x")));
    EXPECT_ANY_THROW(Sql("select from desired_state where host_id = 'node-1' for update nowait"));
    return {};
  });
  EXPECT_TRUE(held);
}

TEST_F(DesiredTest, ADriveIsWhatItsOwnHostSays) {
  // Another host has, or had, a drive of the same id, smaller and seen later.
  FakeAgent other(ChannelAs("host-node-2"));
  v1::ConnectRequest request;
  *request.mutable_hello() = other.HelloMessage();
  request.mutable_hello()->clear_configured();
  request.mutable_hello()->mutable_drives(0)->set_size_bytes(4096);
  other.Send(request);
  EXPECT_TRUE(other.Read().has_welcome());
  v1::Record health;
  *health.mutable_health()->mutable_drive() = request.hello().drives(0);
  *health.mutable_time() = ToProto(clock_.Now());
  other.SendBatch(1, {health});
  EXPECT_EQ(other.ReadAck(), 1U);

  Send({ReadErrorAt(80)});
  Tick();
  ASSERT_EQ(Plans().size(), 1U);
  EXPECT_EQ(Plans().at(0).host_id(), "node-1");
}

TEST_F(DesiredTest, ADriveThatWasPulledIsGoneAndKeepsItsHistory) {
  v1::Record health;
  *health.mutable_time() = ToProto(clock_.Now());
  health.mutable_health()->mutable_drive()->set_drive_id("serial-pulled");
  health.mutable_health()->set_power_on_hours(7);
  v1::Record inventory;
  *inventory.mutable_time() = ToProto(clock_.Now());
  inventory.mutable_inventory()->add_drives()->set_drive_id("serial-x");
  inventory.mutable_inventory()->add_drives()->set_drive_id("serial-pulled");
  Send({health, inventory});
  EXPECT_EQ(Sql("select count(*) from drive where gone_at is not null"), "0");
  inventory.mutable_inventory()->mutable_drives()->RemoveLast();
  Send({inventory});
  EXPECT_EQ(Sql("select string_agg(drive_id, ',') from drive where gone_at is not null"),
            "serial-pulled");
  EXPECT_EQ(Sql("select count(*) from health_sample where drive_id = 'serial-pulled'"), "1");
  EXPECT_EQ(Sql("select string_agg(drives::text, ' ' order by seq) from drive_inventory"), "2 1");
  inventory.mutable_inventory()->add_drives()->set_drive_id("serial-pulled");
  Send({inventory});
  EXPECT_EQ(Sql("select count(*) from drive where gone_at is not null"), "0");
}

TEST_F(DesiredTest, ADriveThatSleepsIsWhatItSaidLast) {
  v1::Record health;
  *health.mutable_time() = ToProto(clock_.Now());
  health.mutable_health()->mutable_drive()->set_drive_id("serial-x");
  health.mutable_health()->set_pending_sectors(5);
  health.mutable_health()->set_smart_passed(true);
  Send({health});
  const std::string read = Sql("select health_time from drive where drive_id = 'serial-x'");
  v1::Record asleep;
  *asleep.mutable_time() = ToProto(clock_.Now() + std::chrono::hours(1));
  asleep.mutable_health()->mutable_drive()->set_drive_id("serial-x");
  asleep.mutable_health()->set_power_state(v1::DriveHealth::POWER_STATE_STANDBY);
  Send({asleep});
  const auto device = database_->Query<v1::Device>(
      [](Transaction& t) { return GetDevice(t, DriveId("serial-x")); });
  ASSERT_TRUE(device);
  EXPECT_EQ(device->health().pending_sectors(), 5U);
  EXPECT_EQ(device->health().power_state(), v1::DriveHealth::POWER_STATE_STANDBY);
  EXPECT_EQ(Sql("select health_time from drive where drive_id = 'serial-x'"), read);
}

// In batches of their own, in one batch, and where they never came.
TEST_F(DesiredTest, LogsThatWereLeftOutAreThoseThatCameBefore) {
  const auto reading = [this](std::uint64_t hours, const std::string& error) {
    v1::Record record;
    *record.mutable_time() = ToProto(clock_.Now());
    v1::DriveHealth& health = *record.mutable_health();
    health.mutable_drive()->set_drive_id("serial-x");
    health.set_power_on_hours(hours);
    if (error.empty()) {
      health.set_logs_unchanged(true);
    } else {
      health.add_logged_errors()->set_description(error);
      health.add_self_tests()->set_description("a test");
    }
    return record;
  };
  const auto known = [this] {
    const auto device = database_->Query<v1::Device>(
        [](Transaction& t) { return GetDevice(t, DriveId("serial-x")); });
    return device ? device->health() : v1::DriveHealth();
  };
  Send({reading(1, "")});
  EXPECT_TRUE(known().logs_unchanged());
  Send({reading(2, "first")});
  Send({reading(3, "")});
  EXPECT_EQ(known().power_on_hours(), 3U);
  ASSERT_EQ(known().logged_errors_size(), 1);
  EXPECT_EQ(known().logged_errors(0).description(), "first");
  EXPECT_EQ(known().self_tests_size(), 1);
  EXPECT_FALSE(known().logs_unchanged());
  Send({reading(4, "second"), reading(5, "")});
  EXPECT_EQ(known().power_on_hours(), 5U);
  ASSERT_EQ(known().logged_errors_size(), 1);
  EXPECT_EQ(known().logged_errors(0).description(), "second");
}

TEST_F(DesiredTest, WhatFailsForOneDriveHoldsUpNoOther) {
  Send({ReadErrorAt(80)});
  Sql("insert into evidence (host_id, drive_id, boot_id, seq, body, received) values ('node-1', "
      "'serial-ghost', '" +
      NewUuid() + "', 1, '', now() - interval '1 hour')");
  const Status status = brain_->Tick();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("serial-ghost"), std::string::npos);
  EXPECT_EQ(Plans().size(), 1U);
}

}  // namespace
}  // namespace remapfleet
