#include "controller/history/requests.h"

#include "controller/history/transaction.h"

namespace remapfleet {

Result<std::optional<std::string>> FindAnswer(Transaction& transaction, const AskedChange& change) {
  // Two deliveries of one request at the same moment: the second waits for the first.
  transaction.work.exec_params("select pg_advisory_xact_lock(hashtextextended($1, 0))",
                               change.request_id);
  const auto rows = transaction.work.exec_params(
      "select actor, method, body_sha256, response from request where request_id = $1",
      change.request_id);
  if (rows.empty()) return std::optional<std::string>();
  if (rows[0][0].as<std::string>() != change.actor ||
      rows[0][1].as<std::string>() != change.method || Bytes(rows[0][2]) != change.body_sha256) {
    return Fail(Code::kAlreadyExists, "request_id was used for another request; take a new UUID");
  }
  return std::optional<std::string>(Bytes(rows[0][3]));
}

void StoreAnswer(Transaction& transaction, const AskedChange& change, const std::string& response) {
  transaction.work.exec_params(
      "insert into request (request_id, actor, method, body_sha256, response) "
      "values ($1, $2, $3, $4::bytea, $5::bytea)",
      change.request_id, change.actor, change.method, ToBytea(change.body_sha256),
      ToBytea(response));
}

}  // namespace remapfleet
