#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace remapfleet {

// Opaque to callers: the key of a page's last row.
std::string MakePageToken(const std::vector<std::string>& key);

// Empty for the empty token (first page); INVALID_ARGUMENT unless it holds `parts` parts.
Result<std::vector<std::string>> ParsePageToken(std::string_view token, std::size_t parts);

}  // namespace remapfleet
