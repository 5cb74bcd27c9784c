#pragma once

#include <memory>
#include <vector>

#include "tests/integration/fixture.h"

namespace remapfleet {

// A greeted agent of node-1 that has told its device's state, an operator, and a brain that thinks
// when told to.
class LoopTest : public ControllerTest {
 protected:
  void SetUp() override {
    ControllerTest::SetUp();
    brain_ = std::make_unique<Brain>(*database_, clock_, *metrics_, policy_);
    agent_ = std::make_unique<FakeAgent>(ChannelAs("host-node-1"));
    agent_->Greet();
    Send({StatusRecord()});
    plan_stub_ = v1::PlanService::NewStub(ChannelAs("operator-ann"));
  }
  void TearDown() override {
    agent_.reset();
    ControllerTest::TearDown();
  }

  void Send(const std::vector<v1::Record>& records) {
    agent_->SendBatch(next_seq_, records);
    next_seq_ += records.size();
    while (agent_->ReadAck() + 1 < next_seq_) {
    }
  }

  void Tick() {
    const Status status = brain_->Tick();
    ASSERT_TRUE(status) << status.error().message();
  }

  std::vector<v1::Plan> Plans() {
    grpc::ClientContext context;
    v1::ListPlansResponse response;
    const grpc::Status status = plan_stub_->ListPlans(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.plans().begin(), response.plans().end()};
  }

  v1::CreatePlanRequest Create(std::uint64_t sector, std::uint64_t count) {
    v1::CreatePlanRequest request;
    request.set_request_id(NewUuid());
    request.set_drive_id("serial-x");
    request.set_action(v1::Plan::ACTION_PROACTIVE_COPY);
    request.add_ranges()->set_first_sector(sector);
    request.mutable_ranges(0)->set_sector_count(count);
    request.set_reason("test");
    return request;
  }

  std::unique_ptr<Brain> brain_;
  std::unique_ptr<FakeAgent> agent_;
  std::unique_ptr<v1::PlanService::Stub> plan_stub_;
  std::uint64_t next_seq_ = 1;
};

}  // namespace remapfleet
