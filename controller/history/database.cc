#include "controller/history/database.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <thread>

#include "controller/history/transaction.h"

namespace remapfleet {
namespace {

constexpr int kAttempts = 5;
// Well below PostgreSQL's default of 100 for all its clients.
constexpr std::size_t kMaxConnections = 16;
// SQLSTATE 57P01 to 57P04: shutdown, crash of a neighbour, still starting, dropped.
constexpr char kShutdownState[] = "57P";

std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

struct Database::Connection {
  // libpqxx would silently reconnect in the middle of our work, and forget locks and settings. The
  // call is deprecated because version 7 never does so.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  explicit Connection(const std::string& url) : pq(url) { pq.inhibit_reactivation(true); }
#pragma GCC diagnostic pop
  pqxx::connection pq;
};

// The right to one connection.
class Database::Slot {
 public:
  explicit Slot(Database& database) : database_(database) {
    std::unique_lock lock(database_.mutex_);
    database_.returned_.wait(lock, [this] { return database_.taken_ < kMaxConnections; });
    ++database_.taken_;
  }
  ~Slot() {
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
};

Database::Database(std::string url) : url_(std::move(url)) {}
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
  State(const std::string& url, const std::string& channel) : pq(url), receiver(pq, channel) {}
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
