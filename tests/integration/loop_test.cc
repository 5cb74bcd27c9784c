#include <set>
#include <thread>

#include "support/spec_hash.h"
#include "tests/integration/loop_fixture.h"

namespace remapfleet {
namespace {

TEST_F(LoopTest, ErrorToPlanToDesiredToApplied) {
  const v1::Desired configured = agent_->ReadDesired(1);
  EXPECT_EQ(configured.kind(), "remap/data0");
  Send({ReadErrorAt(80)});
  Tick();
  const v1::Desired desired = agent_->ReadDesired(2);
  EXPECT_EQ(desired.spec_sha256(), SpecHash(desired.remap_device()));
  ASSERT_EQ(desired.remap_device().remap_ranges_size(), 1);
  EXPECT_EQ(desired.remap_device().remap_ranges(0).first_sector(), 80U);
  EXPECT_EQ(desired.remap_device().settings().at("pending_write"), "remap");
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_ISSUED);

  Send({OutcomeOf(desired, v1::Outcome::STAGE_ACCEPTED)});
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_ISSUED);
  Send({OutcomeOf(desired, v1::Outcome::STAGE_APPLIED)});
  const v1::Plan plan = Plans().at(0);
  EXPECT_EQ(plan.state(), v1::Plan::STATE_APPLIED);
  EXPECT_EQ(plan.read_back().status(), "1 rw");
  ASSERT_EQ(plan.evidence_size(), 1);
  EXPECT_EQ(plan.evidence(0).range().first_sector(), 80U);
  EXPECT_TRUE(plan.has_apply_time());

  // The same outcome under another number changes nothing.
  const std::string audit = Sql("select count(*) from audit");
  Send({OutcomeOf(desired, v1::Outcome::STAGE_APPLIED),
        OutcomeOf(desired, v1::Outcome::STAGE_REJECTED)});
  EXPECT_EQ(Plans().at(0).apply_time().nanos(), plan.apply_time().nanos());
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_APPLIED);
  EXPECT_EQ(Sql("select count(*) from audit"), audit);
}

TEST_F(LoopTest, EvidenceLeadsToOnePlanHoweverOftenTheBrainLooks) {
  Send({ReadErrorAt(80)});
  Tick();
  Tick();
  EXPECT_TRUE(Brain(*database_, clock_, *metrics_, policy_).Tick());
  EXPECT_EQ(Plans().size(), 1U);
  Send({ReadErrorAt(80)});
  Tick();
  EXPECT_EQ(Plans().size(), 1U);
  EXPECT_EQ(Sql("select count(*) from evidence"), "0");
  EXPECT_EQ(Sql("select count(*) > 0 from risk_score where score > 0.4"), "t");
}

TEST_F(LoopTest, APendingBlockWhoseErrorNobodySawIsPlannedForOnce) {
  v1::Record status = StatusRecord();
  status.mutable_remap_status()->add_pending()->set_first_sector(80);
  status.mutable_remap_status()->mutable_pending(0)->set_sector_count(8);
  Send({status});
  EXPECT_EQ(Sql("select due > now() from evidence"), "t");  // the error may still arrive
  Tick();
  EXPECT_EQ(Plans().size(), 0U);
  Send({status});
  EXPECT_EQ(Sql("select count(*) from evidence"), "1");  // nothing new
  Sql("update evidence set due = now()");
  Tick();
  ASSERT_EQ(Plans().size(), 1U);
  EXPECT_EQ(Plans()[0].ranges(0).first_sector(), 80U);
  Send({status, ReadErrorAt(80)});
  Tick();
  EXPECT_EQ(Plans().size(), 1U);
}

// Two replicas see the same evidence at the same time: one of them decides.
TEST_F(LoopTest, TwoBrainsAtOnceMakeNoPlanTwice) {
  policy_.auto_blocks_per_day = 1000;
  std::vector<std::jthread> brains;
  for (int i = 0; i < 2; ++i) {
    brains.emplace_back([this](std::stop_token stop) {
      Brain brain(*database_, clock_, *metrics_, policy_);
      while (!stop.stop_requested()) EXPECT_TRUE(brain.Tick());
    });
  }
  // The same error twice: the second may come while the first is being decided on.
  for (std::uint64_t i = 1; i <= 40; ++i) {
    Send({ReadErrorAt(80 * i), ReadErrorAt(80 * i + 8)});
    Send({ReadErrorAt(80 * i), ReadErrorAt(80 * i + 8)});
  }
  for (auto& brain : brains) brain.request_stop();
  brains.clear();
  Tick();
  std::multiset<std::uint64_t> planned;
  for (const v1::Plan& plan : Plans()) {
    for (const auto& range : plan.ranges()) {
      for (std::uint64_t at = 0; at < range.sector_count(); at += 8) {
        planned.insert(range.first_sector() + at);
      }
    }
  }
  EXPECT_EQ(planned.size(), 80U);
  EXPECT_EQ(std::set<std::uint64_t>(planned.begin(), planned.end()).size(), 80U);
}

TEST_F(LoopTest, AFailedPlanMayBeTriedAgainWhenThereIsNewEvidence) {
  Send({ReadErrorAt(80)});
  Tick();
  Send({OutcomeOf(agent_->ReadDesired(2), v1::Outcome::STAGE_REJECTED)});
  Send({ReadErrorAt(80)});
  Tick();
  EXPECT_EQ(Plans().size(), 2U);
  EXPECT_EQ(agent_->ReadDesired(3).remap_device().remap_ranges_size(), 1);
}

TEST_F(LoopTest, WhatCannotBeDecidedLetsOthersHaveTheirTurn) {
  Send({ReadErrorAt(80)});
  Sql("alter table risk_score add constraint never check (score < 0)");
  EXPECT_FALSE(brain_->Tick());
  EXPECT_EQ(Sql("select due > now() + interval '50 seconds' from evidence"), "t");
  EXPECT_TRUE(brain_->Tick());
}

TEST_F(LoopTest, ADriveOfSeveralHostsHasToBeNamedWithItsHost) {
  FakeAgent other(ChannelAs("host-node-2"));
  other.Greet();
  v1::CreatePlanRequest request = Create(80, 8);
  const auto create = [&] {
    grpc::ClientContext context;
    v1::CreatePlanResponse response;
    return plan_stub_->CreatePlan(&context, request, &response);
  };
  const grpc::Status status = create();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(status.error_message().find("node-1, node-2"), std::string::npos);
  request.set_host_id("node-1");
  EXPECT_TRUE(create().ok());
  EXPECT_EQ(Plans().at(0).host_id(), "node-1");
}

TEST_F(LoopTest, ALaterGenerationCarriesWhatAnEarlierOneAsked) {
  Send({ReadErrorAt(80)});
  Tick();
  Send({ReadErrorAt(800)});
  Tick();
  const v1::Desired desired = agent_->ReadDesired(3);
  EXPECT_EQ(desired.remap_device().remap_ranges_size(), 2);
  Send({OutcomeOf(desired, v1::Outcome::STAGE_APPLIED)});
  for (const v1::Plan& plan : Plans()) EXPECT_EQ(plan.state(), v1::Plan::STATE_APPLIED);
}

TEST_F(LoopTest, ARefusedPlanFailsAloneAndItsRangesAreTakenBack) {
  Send({ReadErrorAt(80)});
  Tick();
  v1::Record rejected = OutcomeOf(agent_->ReadDesired(2), v1::Outcome::STAGE_REJECTED);
  rejected.mutable_outcome()->set_error_message("spare is not the device named");
  Send({rejected});
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_FAILED);
  EXPECT_EQ(Plans().at(0).error(), "spare is not the device named");
  Send({ReadErrorAt(800)});
  Tick();
  const v1::Desired desired = agent_->ReadDesired(3);
  ASSERT_EQ(desired.remap_device().remap_ranges_size(), 1);
  EXPECT_EQ(desired.remap_device().remap_ranges(0).first_sector(), 800U);
}

TEST_F(LoopTest, AnAgentThatComesBackGetsWhatItHasNotApplied) {
  Send({ReadErrorAt(80)});
  Tick();
  const v1::Desired first = agent_->ReadDesired(2);
  agent_ = std::make_unique<FakeAgent>(ChannelAs("host-node-1"));
  agent_->Greet();
  const v1::Desired again = agent_->ReadDesired(2);
  EXPECT_EQ(again.nonce(), first.nonce());
  next_seq_ = 1;
  Send({OutcomeOf(again, v1::Outcome::STAGE_APPLIED)});
  // Held and applied: nothing is sent any more. A probe makes the absence visible.
  FakeAgent third(ChannelAs("host-node-1"));
  v1::ConnectRequest request;
  *request.mutable_hello() = third.HelloMessage();
  (*request.mutable_hello()->mutable_known_generations())["remap/data0"] = 2;
  (*request.mutable_hello()->mutable_known_hashes())["remap/data0"] = again.spec_sha256();
  third.Send(request);
  EXPECT_TRUE(third.Read().has_welcome());
  third.SendBatch(1, {StatusRecord()});
  EXPECT_TRUE(third.Read().has_ack());
}

TEST_F(LoopTest, BeyondTheBudgetAPersonDecides) {
  policy_.auto_blocks_per_day = 1;
  brain_ = std::make_unique<Brain>(*database_, clock_, *metrics_, policy_);
  Send({ReadErrorAt(80), ReadErrorAt(800)});
  Tick();
  v1::Plan plan = Plans().at(0);
  EXPECT_EQ(plan.state(), v1::Plan::STATE_AWAITING_APPROVAL);
  EXPECT_EQ(plan.generation(), 0U);

  v1::ApprovePlanRequest request;
  request.set_request_id(NewUuid());
  request.set_plan_id(plan.plan_id());
  request.set_validate_only(true);
  const auto approve = [&](v1::ApprovePlanResponse& response) {
    grpc::ClientContext context;
    return plan_stub_->ApprovePlan(&context, request, &response);
  };
  v1::ApprovePlanResponse response;
  EXPECT_TRUE(approve(response).ok());
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_AWAITING_APPROVAL);  // only validated
  request.set_validate_only(false);
  EXPECT_TRUE(approve(response).ok());
  EXPECT_EQ(response.plan().decided_by(), "ann");
  v1::ApprovePlanResponse repeated;
  EXPECT_TRUE(approve(repeated).ok());  // the same request: the same answer
  EXPECT_EQ(repeated.SerializeAsString(), response.SerializeAsString());
  request.set_request_id(NewUuid());
  EXPECT_EQ(approve(repeated).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(agent_->ReadDesired(2).remap_device().remap_ranges_size(), 2);
  EXPECT_EQ(Sql("select count(*) from audit where action = 'plan.approved' and actor = 'ann'"),
            "1");
  EXPECT_EQ(Sql("select string_agg(action, ' ' order by audit_id) from audit where subject = '" +
                plan.plan_id() + "'"),
            "plan.created plan.approved plan.issued");
}

TEST_F(LoopTest, ARequestIdIsForOneRequest) {
  v1::CreatePlanRequest request = Create(80, 8);
  v1::CreatePlanResponse response;
  const auto create = [&] {
    grpc::ClientContext context;
    return plan_stub_->CreatePlan(&context, request, &response).error_code();
  };
  EXPECT_EQ(create(), grpc::StatusCode::OK);
  const std::string first = response.plan().plan_id();
  EXPECT_EQ(create(), grpc::StatusCode::OK);
  EXPECT_EQ(response.plan().plan_id(), first);
  EXPECT_EQ(Plans().size(), 1U);
  request.mutable_ranges(0)->set_first_sector(800);
  EXPECT_EQ(create(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Plans().size(), 1U);
}

TEST_F(LoopTest, AnExpiredPlanCannotBeApproved) {
  policy_.auto_blocks_per_day = 0;
  brain_ = std::make_unique<Brain>(*database_, clock_, *metrics_, policy_);
  Send({ReadErrorAt(80)});
  Tick();
  // Its time is over, and no brain has looked since.
  Sql("update plan set expire_time = now() - interval '1 second'");
  v1::ApprovePlanRequest request;
  request.set_request_id(NewUuid());
  request.set_plan_id(Plans().at(0).plan_id());
  v1::ApprovePlanResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(plan_stub_->ApprovePlan(&context, request, &response).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  Tick();
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_EXPIRED);
  EXPECT_EQ(Sql("select generation from desired_state"), "1");
}

TEST_F(LoopTest, ARejectedPlanReachesNoNode) {
  policy_.auto_blocks_per_day = 0;
  brain_ = std::make_unique<Brain>(*database_, clock_, *metrics_, policy_);
  Send({ReadErrorAt(80)});
  Tick();
  v1::RejectPlanRequest request;
  request.set_request_id(NewUuid());
  request.set_plan_id(Plans().at(0).plan_id());
  v1::RejectPlanResponse response;
  grpc::ClientContext without_reason;
  EXPECT_EQ(plan_stub_->RejectPlan(&without_reason, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  request.set_comment("drive is being replaced");
  grpc::ClientContext context;
  EXPECT_TRUE(plan_stub_->RejectPlan(&context, request, &response).ok());
  EXPECT_EQ(Plans().at(0).state(), v1::Plan::STATE_REJECTED);
  EXPECT_EQ(Sql("select generation from desired_state"), "1");
}

TEST_F(LoopTest, CreatePlanChecksItsInput) {
  v1::CreatePlanResponse response;
  const auto code = [&](const v1::CreatePlanRequest& request) {
    grpc::ClientContext context;
    return plan_stub_->CreatePlan(&context, request, &response).error_code();
  };
  EXPECT_EQ(code(Create(80, 8)), grpc::StatusCode::OK);
  EXPECT_EQ(response.plan().created_by(), "ann");
  EXPECT_EQ(code(Create(1 << 21, 8)), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(Create(80, 0)), grpc::StatusCode::INVALID_ARGUMENT);
  v1::CreatePlanRequest request = Create(80, 8);
  request.set_reason("");
  EXPECT_EQ(code(request), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_reason("one line\nand another");
  EXPECT_EQ(code(request), grpc::StatusCode::INVALID_ARGUMENT);
  request = Create(80, 8);
  request.set_request_id("x");
  EXPECT_EQ(code(request), grpc::StatusCode::INVALID_ARGUMENT);
  request = Create(80, 8);
  request.set_drive_id("serial-none");
  EXPECT_EQ(code(request), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Plans().size(), 1U);
}

TEST_F(LoopTest, HistoryPagesThroughEverythingNewestFirst) {
  std::vector<v1::Record> records;
  for (int i = 0; i < 25; ++i) {
    records.push_back(ReadErrorAt(static_cast<std::uint64_t>(i) * 8));
    *records.back().mutable_time() = ToProto(clock_.Now() - std::chrono::seconds(i % 5));
  }
  // What was lost belongs to the story.
  v1::Record& gap = records.emplace_back();
  gap.mutable_gap()->set_lost_records(7);
  *gap.mutable_time() = ToProto(clock_.Now());
  Send(records);
  const auto stub = v1::HistoryService::NewStub(ChannelAs("operator-ann"));
  v1::ListHistoryRequest request;
  request.set_drive_id("serial-x");
  request.set_page_size(7);
  std::vector<std::pair<std::int64_t, std::int32_t>> times;
  do {
    grpc::ClientContext context;
    v1::ListHistoryResponse page;
    const grpc::Status status = stub->ListHistory(&context, request, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const auto& entry : page.entries())
      times.emplace_back(entry.time().seconds(), entry.time().nanos());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(times.size(), 27U);
  EXPECT_TRUE(std::is_sorted(times.rbegin(), times.rend()));
}

}  // namespace
}  // namespace remapfleet
