#include <thread>

#include "tests/integration/fixture.h"

namespace remapfleet {
namespace {

class SchemaTest : public PostgresTest {};

TEST_F(SchemaTest, DryRunChangesNothingAndASecondRunFindsNothingToDo) {
  const int newest = static_cast<int>(Migrations().size());
  const auto dry = Migrate(*database_, true);
  ASSERT_TRUE(dry) << dry.error().message();
  EXPECT_EQ(dry->after, newest);
  EXPECT_EQ(Sql("select count(*) from pg_tables where schemaname = 'public'"), "0");
  const auto first = Migrate(*database_, false);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->applied.size(), Migrations().size());
  const auto second = Migrate(*database_, false);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->applied.empty());
  EXPECT_EQ(second->before, newest);
}

TEST_F(SchemaTest, TwoReplicasAtOnceApplyEachStepOnce) {
  Database other(url_);
  Result<MigrationReport> theirs = MigrationReport{};
  std::jthread replica([&] { theirs = Migrate(other, false); });
  const auto ours = Migrate(*database_, false);
  replica.join();
  ASSERT_TRUE(ours) << ours.error().message();
  ASSERT_TRUE(theirs) << theirs.error().message();
  EXPECT_EQ(ours->applied.size() + theirs->applied.size(), Migrations().size());
}

TEST_F(SchemaTest, ANewerDatabaseIsRefusedAndLeftAlone) {
  ASSERT_TRUE(Migrate(*database_, false));
  Sql("insert into schema_version (version, name, sha256) values (9999, 'future', 'x')");
  const auto refused = Migrate(*database_, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message().find("9999"), std::string::npos);
}

TEST_F(SchemaTest, AChangedPastIsRefused) {
  ASSERT_TRUE(Migrate(*database_, false));
  Sql("update schema_version set sha256 = 'other' where version = 1");
  EXPECT_EQ(Migrate(*database_, false).error().code(), Code::kFailedPrecondition);
}

TEST_F(SchemaTest, AuditIsChainedAndAppendOnly) {
  ASSERT_TRUE(Migrate(*database_, false));
  Sql("select audit_append('ann', 'plan.approved', 'p1', 'why')");
  Sql("select audit_append('ann', 'plan.rejected', 'p2', 'why')");
  EXPECT_EQ(Sql("select b.previous_hash = a.hash from audit a, audit b where a.audit_id = 1 and "
                "b.audit_id = 2"),
            "t");
  for (const char* change :
       {"update audit set actor = 'bob'", "delete from audit", "truncate audit"}) {
    EXPECT_ANY_THROW(Sql(change)) << change;
  }
}

}  // namespace
}  // namespace remapfleet
