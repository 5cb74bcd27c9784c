#include "controller/history/plans.h"

#include "controller/api/call.h"
#include "controller/api/services.h"
#include "controller/decide/brain.h"
#include "controller/history/hosts.h"

namespace remapfleet {
namespace {

constexpr int kMaxRanges = 1000;
constexpr std::size_t kMaxText = 1000;

// What a person wrote stands in the audit log and in tables as it is.
Status CheckText(const std::string& field, const std::string& text) {
  if (text.size() > kMaxText) return Fail(Code::kInvalidArgument, field + " is too long");
  for (const char c : text) {
    if ((c >= 0 && c < ' ') || c == 0x7f) {
      return Fail(Code::kInvalidArgument, field + " must be one line of text");
    }
  }
  return {};
}

Status CheckCreate(const v1::CreatePlanRequest& request) {
  if (request.drive_id().empty()) return Fail(Code::kInvalidArgument, "drive_id must be set");
  if (request.action() != v1::Plan::ACTION_PROACTIVE_COPY &&
      request.action() != v1::Plan::ACTION_REMAP_ON_WRITE) {
    return Fail(Code::kInvalidArgument, "action must be PROACTIVE_COPY or REMAP_ON_WRITE");
  }
  if (request.ranges().empty()) return Fail(Code::kInvalidArgument, "ranges must not be empty");
  if (request.ranges_size() > kMaxRanges) {
    return Fail(Code::kInvalidArgument, "at most 1000 ranges in one plan");
  }
  if (request.reason().empty()) return Fail(Code::kInvalidArgument, "reason must not be empty");
  return CheckText("reason", request.reason());
}

Result<v1::Plan> Create(Transaction& t, const v1::CreatePlanRequest& request,
                        const std::string& actor, const Policy& policy) {
  const DriveId drive(request.drive_id());
  const auto host =
      request.host_id().empty() ? HostOf(t, drive) : Result<HostId>(HostId(request.host_id()));
  if (!host) return Fail(host.error());
  const auto view = ViewOf(t, {*host, drive});
  if (!view) return Fail(view.error());
  GuardedPlan guarded = DecideManual(*view, request.action(),
                                     {request.ranges().begin(), request.ranges().end()}, policy);
  if (!guarded.refusal.empty()) return Fail(Code::kInvalidArgument, guarded.refusal);
  v1::Plan& plan = guarded.decision.plan;
  plan.set_created_by(actor);
  plan.set_reason(request.reason() + plan.reason());
  const TimePoint expiry = SystemClock().Now() + std::chrono::seconds(policy.approval_expiry_s);
  return InsertPlan(t, plan, guarded.decision.block_count, expiry);
}

}  // namespace

grpc::Status PlanApi::ListPlans(grpc::ServerContext* context, const v1::ListPlansRequest* request,
                                v1::ListPlansResponse* response) {
  using Reply = v1::ListPlansResponse;
  return Answer<Reply>(*context, database_, response, [&](Transaction& t) -> Result<Reply> {
    const auto size = PageSize(request->page_size());
    if (!size) return Fail(size.error());
    auto page = remapfleet::ListPlans(t, request->state(), *size, request->page_token());
    if (!page) return Fail(page.error());
    Reply reply;
    reply.set_next_page_token(page->next_token);
    for (auto& plan : page->plans) *reply.add_plans() = std::move(plan);
    return reply;
  });
}

grpc::Status PlanApi::GetPlan(grpc::ServerContext* context, const v1::GetPlanRequest* request,
                              v1::GetPlanResponse* response) {
  using Reply = v1::GetPlanResponse;
  return Answer<Reply>(*context, database_, response, [&](Transaction& t) -> Result<Reply> {
    auto plan = remapfleet::GetPlan(t, request->plan_id());
    if (!plan) return Fail(plan.error());
    Reply reply;
    *reply.mutable_plan() = std::move(*plan);
    return reply;
  });
}

grpc::Status PlanApi::CreatePlan(grpc::ServerContext* context, const v1::CreatePlanRequest* request,
                                 v1::CreatePlanResponse* response) {
  using Reply = v1::CreatePlanResponse;
  const Status good = CheckCreate(*request);
  return Change<v1::CreatePlanRequest, Reply>(
      *context, database_, "CreatePlan", *request, response,
      [&](Transaction& t, const std::string& actor) -> Result<Reply> {
        if (!good) return Fail(good.error());
        auto plan = Create(t, *request, actor, policy_);
        if (!plan) return Fail(plan.error());
        Reply reply;
        *reply.mutable_plan() = std::move(*plan);
        return reply;
      });
}

grpc::Status PlanApi::ApprovePlan(grpc::ServerContext* context,
                                  const v1::ApprovePlanRequest* request,
                                  v1::ApprovePlanResponse* response) {
  using Reply = v1::ApprovePlanResponse;
  return Change<v1::ApprovePlanRequest, Reply>(
      *context, database_, "ApprovePlan", *request, response,
      [&](Transaction& t, const std::string& actor) -> Result<Reply> {
        const Status good = CheckText("comment", request->comment());
        if (!good) return Fail(good.error());
        auto plan = DecidePlan(t, request->plan_id(), true, actor, request->comment());
        if (!plan) return Fail(plan.error());
        Reply reply;
        *reply.mutable_plan() = std::move(*plan);
        return reply;
      });
}

grpc::Status PlanApi::RejectPlan(grpc::ServerContext* context, const v1::RejectPlanRequest* request,
                                 v1::RejectPlanResponse* response) {
  using Reply = v1::RejectPlanResponse;
  return Change<v1::RejectPlanRequest, Reply>(
      *context, database_, "RejectPlan", *request, response,
      [&](Transaction& t, const std::string& actor) -> Result<Reply> {
        if (request->comment().empty()) {
          return Fail(Code::kInvalidArgument, "comment must say why the plan is rejected");
        }
        const Status good = CheckText("comment", request->comment());
        if (!good) return Fail(good.error());
        auto plan = DecidePlan(t, request->plan_id(), false, actor, request->comment());
        if (!plan) return Fail(plan.error());
        Reply reply;
        *reply.mutable_plan() = std::move(*plan);
        return reply;
      });
}

}  // namespace remapfleet
