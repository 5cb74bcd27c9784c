#pragma once

#include "controller/decide/policy.h"
#include "controller/history/database.h"
#include "remapfleet/v1/operator.grpc.pb.h"

namespace remapfleet {

// Thread-safe; `database` must outlive them.
class FleetApi final : public v1::FleetService::Service {
 public:
  explicit FleetApi(Database& database) : database_(database) {}
  grpc::Status ListHosts(grpc::ServerContext* context, const v1::ListHostsRequest* request,
                         v1::ListHostsResponse* response) override;
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response) override;
  grpc::Status GetDevice(grpc::ServerContext* context, const v1::GetDeviceRequest* request,
                         v1::GetDeviceResponse* response) override;
  grpc::Status GetFleetStatus(grpc::ServerContext* context,
                              const v1::GetFleetStatusRequest* request,
                              v1::GetFleetStatusResponse* response) override;

 private:
  Database& database_;
};

class HistoryApi final : public v1::HistoryService::Service {
 public:
  explicit HistoryApi(Database& database) : database_(database) {}
  grpc::Status ListHistory(grpc::ServerContext* context, const v1::ListHistoryRequest* request,
                           v1::ListHistoryResponse* response) override;

 private:
  Database& database_;
};

class PlanApi final : public v1::PlanService::Service {
 public:
  PlanApi(Database& database, const Policy& policy) : database_(database), policy_(policy) {}
  grpc::Status ListPlans(grpc::ServerContext* context, const v1::ListPlansRequest* request,
                         v1::ListPlansResponse* response) override;
  grpc::Status GetPlan(grpc::ServerContext* context, const v1::GetPlanRequest* request,
                       v1::GetPlanResponse* response) override;
  grpc::Status CreatePlan(grpc::ServerContext* context, const v1::CreatePlanRequest* request,
                          v1::CreatePlanResponse* response) override;
  grpc::Status ApprovePlan(grpc::ServerContext* context, const v1::ApprovePlanRequest* request,
                           v1::ApprovePlanResponse* response) override;
  grpc::Status RejectPlan(grpc::ServerContext* context, const v1::RejectPlanRequest* request,
                          v1::RejectPlanResponse* response) override;

 private:
  Database& database_;
  const Policy policy_;
};

}  // namespace remapfleet
