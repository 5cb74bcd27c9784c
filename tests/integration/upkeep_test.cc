#include "controller/history/upkeep.h"

#include "controller/history/transaction.h"
#include "tests/integration/fixture.h"

namespace remapfleet {
namespace {

class FixedClock final : public Clock {
 public:
  explicit FixedClock(TimePoint now) : now_(now) {}
  TimePoint Now() const override { return now_; }

 private:
  const TimePoint now_;
};

class UpkeepTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    ASSERT_TRUE(Migrate(*database_, false));
  }
  void TickAt(const std::string& day) {
    const auto seconds =
        std::stoll(Sql("select extract(epoch from '" + day + "Z'::timestamptz)::bigint"));
    const FixedClock clock{TimePoint(std::chrono::seconds(seconds))};
    const Status status = Upkeep(*database_, clock, std::chrono::days(10)).Tick();
    ASSERT_TRUE(status) << status.error().message();
  }
  std::string Days() {
    return Sql(
        "select string_agg(day::text || '*' || n, ' ' order by day) from (select day, "
        "count(*) as n from daily_partition group by day) as days");
  }
};

TEST_F(UpkeepTest, PartitionsAreThereBeforeTheirDayAndGoWithTheirAge) {
  TickAt("2026-01-31 23:59:59");
  EXPECT_EQ(Days(), "2026-01-31*8 2026-02-01*8 2026-02-02*8 2026-02-03*8");
  TickAt("2026-02-01 00:00:01");
  EXPECT_EQ(Days(), "2026-01-31*8 2026-02-01*8 2026-02-02*8 2026-02-03*8 2026-02-04*8");
  TickAt("2026-02-11 12:00:00");
  EXPECT_EQ(Days().substr(0, 12), "2026-02-01*8");
}

// As it is at midnight where nothing was made ahead: a batch in the middle of its transaction must
// not hold up, nor be held up by, the making of the next day's tables.
TEST_F(UpkeepTest, MakingPartitionsWaitsForNoWriter) {
  Sql("select ensure_partitions('2026-01-31')");
  const Status written = database_->Transact([&](Transaction& t) -> Status {
    t.work.exec("insert into telemetry_gap values ('h', '', '2026-01-31 12:00Z', '" + NewUuid() +
                "', 1, 1, 'x', '')");
    Sql("set lock_timeout = '1ms'; select ensure_partitions('2026-02-01')");
    return {};
  });
  EXPECT_TRUE(written);
  EXPECT_EQ(Days(), "2026-01-31*8 2026-02-01*8");
}

TEST_F(UpkeepTest, OldAnswersGo) {
  Sql("insert into request (request_id, actor, method, response, time) values "
      "(gen_random_uuid(), 'ann', 'x', '', '2026-01-01'), "
      "(gen_random_uuid(), 'ann', 'x', '', '2026-01-30')");
  TickAt("2026-01-31 00:00:00");
  EXPECT_EQ(Sql("select count(*) from request"), "1");
}

TEST_F(UpkeepTest, EveryWaitForTheDatabaseHasALimit) {
  const auto value = database_->Query<std::string>([](Transaction& t) -> Result<std::string> {
    return t.work
        .exec1(
            "select current_setting('statement_timeout') || ' ' || "
            "current_setting('lock_timeout') || ' ' || "
            "current_setting('idle_in_transaction_session_timeout')")[0]
        .as<std::string>();
  });
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(*value, "30s 20s 1min");
}

}  // namespace
}  // namespace remapfleet
