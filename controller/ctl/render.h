#pragma once

#include <string>
#include <vector>

#include "remapfleet/v1/operator.pb.h"
#include "support/error.h"

namespace remapfleet::ctl {

// Messages as text for people. Pure; every line ends with a newline.
std::string Render(const v1::ListHostsResponse& hosts);
std::string Render(const v1::ListDevicesResponse& devices);
std::string Render(const v1::ListPlansResponse& plans);
std::string Render(const v1::ListHistoryResponse& history);
std::string Render(const v1::GetFleetStatusResponse& status);
std::string Render(const v1::Device& device);
std::string Render(const v1::Plan& plan);

// Columns aligned, two spaces between; the first row is the head.
std::string Table(const std::vector<std::vector<std::string>>& rows);

// As stable JSON with the proto's own field names, defaults included.
std::string Json(const google::protobuf::Message& message);

// 0 ok, 1 failure, 2 usage, 3 not found, 4 denied, 5 conflict or precondition, 6 unavailable, 124
// timeout.
int ExitCode(Code code);

}  // namespace remapfleet::ctl
