#include "controller/history/audit.h"

#include "controller/history/transaction.h"

namespace remapfleet {

void AppendAudit(Transaction& transaction, const std::string& actor, const std::string& action,
                 const std::string& subject, const std::string& detail) {
  transaction.work.exec_params("select audit_append($1, $2, $3, $4)", actor, action, subject,
                               detail);
}

}  // namespace remapfleet
