#include "controller/history/upkeep.h"

#include <spdlog/spdlog.h>

#include "controller/history/transaction.h"

namespace remapfleet {
namespace {

constexpr std::chrono::hours kEvery{1};
constexpr std::chrono::minutes kAfterFailure{1};
constexpr int kDaysAhead = 3;
constexpr std::chrono::hours kKeepAnswers{7 * 24};

std::string DayOf(TimePoint time) { return FormatTime(time).substr(0, 10); }

}  // namespace

Upkeep::Upkeep(Database& database, const Clock& clock, std::chrono::days retention)
    : database_(database), clock_(clock), retention_(retention) {}

Upkeep::~Upkeep() { Stop(); }

void Upkeep::Start() {
  thread_ = std::jthread([this](std::stop_token stop) { Run(std::move(stop)); });
}

void Upkeep::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const Status status = Tick();
    if (!status) spdlog::error("upkeep of the database: {}", status.error().message());
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, stop, status ? std::chrono::minutes(kEvery) : kAfterFailure,
                      [] { return false; });
  }
}

Status Upkeep::Tick() {
  const TimePoint now = clock_.Now();
  for (int ahead = 0; ahead <= kDaysAhead; ++ahead) {
    const Status made = database_.Transact([&](Transaction& t) -> Status {
      t.work.exec_params("select ensure_partitions($1::date)",
                         DayOf(now + std::chrono::days(ahead)));
      return {};
    });
    if (!made) return made;
  }
  int dropped = 0;
  const Status cleared = database_.Transact([&](Transaction& t) -> Status {
    // Who reads or writes comes first: the next round tries again.
    t.work.exec("set local lock_timeout = '2s'");
    dropped = t.work.exec_params1("select drop_partitions($1::date)", DayOf(now - retention_))[0]
                  .as<int>();
    return {};
  });
  if (!cleared) return cleared;
  if (dropped > 0)
    spdlog::info("dropped {} partitions before {}", dropped, DayOf(now - retention_));
  return database_.Transact([&](Transaction& t) -> Status {
    t.work.exec_params("delete from request where time < $1", ToSql(now - kKeepAnswers));
    t.work.exec_params("delete from risk_score where time < $1", ToSql(now - retention_));
    return {};
  });
}

}  // namespace remapfleet
