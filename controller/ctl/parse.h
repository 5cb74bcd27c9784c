#pragma once

#include <string_view>

#include "remapfleet/v1/types.pb.h"
#include "support/result.h"

namespace remapfleet::ctl {

// "FIRST" or "FIRST+COUNT", whole numbers in decimal; INVALID_ARGUMENT for anything else.
Result<v1::SectorRange> ParseRange(std::string_view text);

}  // namespace remapfleet::ctl
