#pragma once

#include <string>

#include "remapfleet/v1/desired_state.pb.h"

namespace remapfleet {

// SHA-256 (32 bytes) of the deterministic serialisation.
std::string MessageHash(const google::protobuf::MessageLite& message);

// As Desired.spec_sha256 carries it.
std::string SpecHash(const v1::RemapDeviceSpec& spec);

// "remap/<device_name>".
std::string KindOf(const v1::RemapDeviceSpec& spec);

}  // namespace remapfleet
