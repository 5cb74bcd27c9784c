#include "controller/history/requests.h"

#include "controller/history/transaction.h"

namespace remapfleet {

Result<std::optional<std::string>> FindAnswer(Transaction& transaction,
                                              const std::string& request_id,
                                              const std::string& method) {
  // Two deliveries of one request at the same moment: the second waits for the first.
  transaction.work.exec_params("select pg_advisory_xact_lock(hashtextextended($1, 0))", request_id);
  const auto rows = transaction.work.exec_params(
      "select method, response from request where request_id = $1", request_id);
  if (rows.empty()) return std::optional<std::string>();
  if (rows[0][0].as<std::string>() != method) {
    return Fail(Code::kAlreadyExists, "request_id was used for another method; take a new UUID");
  }
  return std::optional<std::string>(Bytes(rows[0][1]));
}

void StoreAnswer(Transaction& transaction, const std::string& request_id, const std::string& actor,
                 const std::string& method, const std::string& response) {
  transaction.work.exec_params(
      "insert into request (request_id, actor, method, response) values ($1, $2, $3, $4::bytea)",
      request_id, actor, method, ToBytea(response));
}

}  // namespace remapfleet
