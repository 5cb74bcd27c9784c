#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "support/result.h"

namespace remapfleet {

// One open transaction; defined in transaction.h, which only history/ includes.
struct Transaction;

// Connections to PostgreSQL, at most so many. Thread-safe; each transaction has a connection of its
// own while it runs, and waits for one, not for ever, if all are taken.
class Database {
 public:
  // `url` is a libpq connection string. Connects when first used.
  explicit Database(std::string url, std::size_t max_connections = 8);
  ~Database();

  // Runs `work` and commits, or rolls back if it returns an error or throws. Serialisation failures
  // and deadlocks are tried again. UNAVAILABLE: no connection, or it broke; the transaction may
  // then have been committed, so what runs here must be safe to run again. DEADLINE_EXCEEDED: a
  // statement took longer than half a minute and was rolled back.
  Status Transact(const std::function<Status(Transaction&)>& work);

  template <class T>
  Result<T> Query(const std::function<Result<T>(Transaction&)>& work) {
    std::optional<T> value;
    const Status status = Transact([&](Transaction& transaction) -> Status {
      auto result = work(transaction);
      if (!result) return Fail(result.error());
      value = std::move(*result);
      return {};
    });
    if (!status) return Fail(status.error());
    return std::move(*value);
  }

  const std::string& url() const { return url_; }

 private:
  struct Connection;
  class Slot;
  std::unique_ptr<Connection> Take();
  void DropIdle();
  void GiveBack(std::unique_ptr<Connection> connection);

  const std::string url_;
  const std::size_t max_connections_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t taken_ = 0;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// Wakes up when something was committed. A hint only: it may miss, so wait with a limit and look
// anyway. Not thread-safe.
class Listener {
 public:
  Listener(std::string url, std::string channel);
  ~Listener();
  // Returns after a notification, after `limit`, or at once if there is no connection.
  void Wait(std::chrono::milliseconds limit);

 private:
  struct State;
  const std::string url_;
  const std::string channel_;
  std::unique_ptr<State> state_;
};

// Channels of NOTIFY.
inline constexpr char kEvidenceChannel[] = "remapfleet_evidence";
inline constexpr char kDesiredChannel[] = "remapfleet_desired";

}  // namespace remapfleet
