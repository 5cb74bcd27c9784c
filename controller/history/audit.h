#pragma once

#include <string>

#include "controller/history/database.h"

namespace remapfleet {

// Adds a line to the hash-chained audit log, in the transaction of what it tells of.
// `actor`: an operator's name, a host id, or "policy". `action`: "<noun>.<verb>".
void AppendAudit(Transaction& transaction, const std::string& actor, const std::string& action,
                 const std::string& subject, const std::string& detail);

}  // namespace remapfleet
