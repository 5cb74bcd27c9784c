#pragma once

#include <optional>
#include <string>

#include "controller/history/database.h"

namespace remapfleet {

// A change that somebody asks for.
struct AskedChange {
  std::string request_id;
  std::string actor;
  std::string method;
  std::string body_sha256;  // of all else that it says, 32 bytes
};

// The answer that this change got before, if any. ALREADY_EXISTS if the request_id was used for
// anything else, or by somebody else.
Result<std::optional<std::string>> FindAnswer(Transaction& transaction, const AskedChange& change);
void StoreAnswer(Transaction& transaction, const AskedChange& change, const std::string& response);

}  // namespace remapfleet
