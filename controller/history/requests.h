#pragma once

#include <optional>
#include <string>

#include "controller/history/database.h"

namespace remapfleet {

// The answer that a request_id got before, if any. ALREADY_EXISTS if it was used for another
// method.
Result<std::optional<std::string>> FindAnswer(Transaction& transaction,
                                              const std::string& request_id,
                                              const std::string& method);
void StoreAnswer(Transaction& transaction, const std::string& request_id, const std::string& actor,
                 const std::string& method, const std::string& response);

}  // namespace remapfleet
