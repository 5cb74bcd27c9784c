#include "controller/api/call.h"
#include "controller/api/services.h"
#include "controller/history/hosts.h"
#include "controller/history/page_token.h"

namespace remapfleet {

grpc::Status FleetApi::ListHosts(grpc::ServerContext* context, const v1::ListHostsRequest* request,
                                 v1::ListHostsResponse* response) {
  using Page = v1::ListHostsResponse;
  return Answer<Page>(*context, database_, response, [&](Transaction& t) -> Result<Page> {
    const auto size = PageSize(request->page_size());
    if (!size) return Fail(size.error());
    const auto key = ParsePageToken(request->page_token(), 1);
    if (!key) return Fail(key.error());
    Page page;
    for (auto& host : remapfleet::ListHosts(t, key->empty() ? "" : (*key)[0], *size + 1)) {
      if (page.hosts_size() == *size) {
        page.set_next_page_token(MakePageToken({page.hosts(*size - 1).host_id()}));
        break;
      }
      *page.add_hosts() = std::move(host);
    }
    return page;
  });
}

grpc::Status FleetApi::ListDevices(grpc::ServerContext* context,
                                   const v1::ListDevicesRequest* request,
                                   v1::ListDevicesResponse* response) {
  using Page = v1::ListDevicesResponse;
  return Answer<Page>(*context, database_, response, [&](Transaction& t) -> Result<Page> {
    const auto size = PageSize(request->page_size());
    if (!size) return Fail(size.error());
    const auto key = ParsePageToken(request->page_token(), 2);
    if (!key) return Fail(key.error());
    const std::string after_host = key->empty() ? "" : (*key)[0];
    const std::string after_drive = key->empty() ? "" : (*key)[1];
    Page page;
    for (auto& device :
         remapfleet::ListDevices(t, request->host_id(), after_host, after_drive, *size + 1)) {
      if (page.devices_size() == *size) {
        const v1::Device& last = page.devices(*size - 1);
        page.set_next_page_token(MakePageToken({last.host_id(), last.drive().drive_id()}));
        break;
      }
      *page.add_devices() = std::move(device);
    }
    return page;
  });
}

grpc::Status FleetApi::GetDevice(grpc::ServerContext* context, const v1::GetDeviceRequest* request,
                                 v1::GetDeviceResponse* response) {
  using Reply = v1::GetDeviceResponse;
  return Answer<Reply>(*context, database_, response, [&](Transaction& t) -> Result<Reply> {
    if (request->drive_id().empty()) return Fail(Code::kInvalidArgument, "drive_id must be set");
    auto device = remapfleet::GetDevice(t, DriveId(request->drive_id()));
    if (!device) return Fail(device.error());
    Reply reply;
    *reply.mutable_device() = std::move(*device);
    return reply;
  });
}

grpc::Status FleetApi::GetFleetStatus(grpc::ServerContext* context,
                                      const v1::GetFleetStatusRequest*,
                                      v1::GetFleetStatusResponse* response) {
  using Reply = v1::GetFleetStatusResponse;
  return Answer<Reply>(*context, database_, response,
                       [](Transaction& t) -> Result<Reply> { return FleetStatus(t); });
}

grpc::Status HistoryApi::ListHistory(grpc::ServerContext* context,
                                     const v1::ListHistoryRequest* request,
                                     v1::ListHistoryResponse* response) {
  using Reply = v1::ListHistoryResponse;
  return Answer<Reply>(*context, database_, response, [&](Transaction& t) -> Result<Reply> {
    const auto size = PageSize(request->page_size());
    if (!size) return Fail(size.error());
    // A drive that never reported is an error, not an empty history.
    const auto known = remapfleet::GetDevice(t, DriveId(request->drive_id()));
    if (!known) return Fail(known.error());
    auto page =
        remapfleet::ListHistory(t, DriveId(request->drive_id()), *size, request->page_token());
    if (!page) return Fail(page.error());
    Reply reply;
    reply.set_next_page_token(page->next_token);
    for (auto& entry : page->entries) *reply.add_entries() = std::move(entry);
    return reply;
  });
}

}  // namespace remapfleet
