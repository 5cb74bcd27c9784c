#include "controller/history/database.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <map>
#include <thread>

#include "controller/history/transaction.h"

namespace remapfleet {
namespace {

constexpr int kAttempts = 5;
constexpr std::chrono::seconds kSlotLimit{10};
// What hangs is given up: a statement, a lock, a peer that no longer answers at all.
constexpr char kSettings[] =
    "set statement_timeout = '30s'; set lock_timeout = '20s'; "
    "set idle_in_transaction_session_timeout = '60s'";
// SQLSTATE 57014: statement_timeout; 55P03: lock_timeout.
constexpr char kQueryCanceled[] = "57014";
constexpr char kLockNotAvailable[] = "55P03";
// SQLSTATE 57P01 to 57P04: shutdown, crash of a neighbour, still starting, dropped.
constexpr char kShutdownState[] = "57P";

std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

// The connection string with limits for connecting and for a dead peer, unless it says its own.
std::string WithLimits(const std::string& url) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), &problem), &PQconninfoFree);
  if (!options) {
    const std::unique_ptr<char, decltype(&PQfreemem)> text(problem, &PQfreemem);
    throw pqxx::argument_error(text ? FirstLine(text.get()) : "connection string");
  }
  std::map<std::string, std::string> values = {{"connect_timeout", "10"},
                                               {"tcp_user_timeout", "30000"},
                                               {"keepalives_idle", "30"},
                                               {"application_name", "remap-controller"}};
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  std::string text;
  for (const auto& [keyword, value] : values) {
    text += keyword + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += "' ";
  }
  return text;
}

}  // namespace

struct Database::Connection {
  // libpqxx would silently reconnect in the middle of our work, and forget locks and settings. The
  // call is deprecated because version 7 never does so.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  explicit Connection(const std::string& url) : pq(WithLimits(url)) {
    pq.inhibit_reactivation(true);
    pqxx::nontransaction(pq).exec(kSettings);
  }
#pragma GCC diagnostic pop
  pqxx::connection pq;
};

// The right to one connection.
class Database::Slot {
 public:
  explicit Slot(Database& database) : database_(database) {
    std::unique_lock lock(database_.mutex_);
    taken_ = database_.returned_.wait_for(
        lock, kSlotLimit, [this] { return database_.taken_ < database_.max_connections_; });
    if (taken_) ++database_.taken_;
  }
  bool taken() const { return taken_; }
  ~Slot() {
    if (!taken_) return;
    {
      const std::lock_guard lock(database_.mutex_);
      --database_.taken_;
    }
    database_.returned_.notify_one();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  Database& database_;
  bool taken_ = false;
};

Database::Database(std::string url, std::size_t max_connections)
    : url_(std::move(url)), max_connections_(max_connections) {}
Database::~Database() = default;

std::unique_ptr<Database::Connection> Database::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return std::make_unique<Connection>(url_);
}

void Database::GiveBack(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
}

void Database::DropIdle() {
  std::vector<std::unique_ptr<Connection>> stale;
  const std::lock_guard lock(mutex_);
  stale.swap(idle_);
}

Status Database::Transact(const std::function<Status(Transaction&)>& work) {
  const Slot slot(*this);
  if (!slot.taken()) return Fail(Code::kUnavailable, "database: all connections are busy");
  for (int attempt = 1;; ++attempt) {
    try {
      auto connection = Take();
      Status status;
      {
        pqxx::work pq(connection->pq);
        Transaction transaction{pq};
        status = work(transaction);
        if (status) pq.commit();
      }
      GiveBack(std::move(connection));
      return status;
    } catch (const pqxx::serialization_failure&) {
      if (attempt >= kAttempts)
        return Fail(Code::kAborted, "database: too many conflicts; try again");
    } catch (const pqxx::deadlock_detected&) {
      if (attempt >= kAttempts)
        return Fail(Code::kAborted, "database: too many deadlocks; try again");
    } catch (const pqxx::broken_connection& error) {
      // All idle connections are as old as this one: a restarted server has dropped them too.
      DropIdle();
      if (attempt >= 2) {
        return Fail(Code::kUnavailable, "database is not reachable: " + FirstLine(error.what()));
      }
    } catch (const pqxx::in_doubt_error& error) {
      DropIdle();
      return Fail(Code::kUnavailable, "database went away at commit: " + FirstLine(error.what()));
    } catch (const pqxx::sql_error& error) {
      if (error.sqlstate() == kQueryCanceled || error.sqlstate() == kLockNotAvailable) {
        return Fail(Code::kDeadlineExceeded, "database: " + FirstLine(error.what()));
      }
      if (error.sqlstate().starts_with(kShutdownState)) {
        DropIdle();
        return Fail(Code::kUnavailable, "database is going down: " + FirstLine(error.what()));
      }
      return Fail(Code::kInternal, fmt::format("database: {} (in: {})", FirstLine(error.what()),
                                               FirstLine(error.query())));
    } catch (const std::exception& error) {
      return Fail(Code::kInternal, std::string("database: ") + error.what());
    }
  }
}

struct Listener::State {
  class Receiver : public pqxx::notification_receiver {
   public:
    Receiver(pqxx::connection_base& connection, const std::string& channel)
        : pqxx::notification_receiver(connection, channel) {}
    void operator()(const std::string&, int) override {}
  };
  State(const std::string& url, const std::string& channel)
      : pq(WithLimits(url)), receiver(pq, channel) {}
  pqxx::connection pq;
  Receiver receiver;
};

Listener::Listener(std::string url, std::string channel)
    : url_(std::move(url)), channel_(std::move(channel)) {}
Listener::~Listener() = default;

void Listener::Wait(std::chrono::milliseconds limit) {
  try {
    if (!state_) state_ = std::make_unique<State>(url_, channel_);
    state_->pq.await_notification(static_cast<long>(limit.count() / 1000),
                                  static_cast<long>(limit.count() % 1000 * 1000));
  } catch (const std::exception&) {
    state_.reset();
    // Without the database there is nothing to find either: no hurry.
    std::this_thread::sleep_for(limit);
  }
}

std::string ToBytea(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\\x";
  text.reserve(2 + bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string ToBytea(const google::protobuf::MessageLite& message) {
  return ToBytea(message.SerializeAsString());
}

std::string Bytes(const pqxx::field& field) {
  if (field.is_null()) return {};
  const pqxx::binarystring bytes(field);
  return bytes.str();
}

}  // namespace remapfleet
