#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "agent/selftest/schedule.h"

namespace remapfleet::agent {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr LocalTime kMonday{days(20'000)};  // midnight
constexpr LocalTime kLongAgo{};

SelfTestPlan ShortOnly() {
  SelfTestPlan plan;
  plan.enabled = true;
  plan.extended_interval = days(0);
  plan.max_per_host = 100;
  plan.max_per_enclosure = 100;
  return plan;
}

SelfTestCandidate ADrive(const std::string& id, const std::string& enclosure = "e") {
  SelfTestCandidate drive;
  drive.drive_id = id;
  drive.enclosure = enclosure;
  return drive;
}

TEST(SelfTestSchedule, WhatIsDueIsTold) {
  const SelfTestPlan plan = ShortOnly();
  const LocalTime turn = TurnOf(plan, "a", SelfTestKind::kShort, kMonday);
  const LocalTime now = turn + hours(30);
  struct Case {
    const char* name;
    std::optional<hours> age;
    bool ready;
    bool running;
    bool due;
  };
  for (const Case& c :
       {Case{"never tested", std::nullopt, true, false, true},
        Case{"tested an interval before its turn", hours(30 + 168), true, false, true},
        Case{"by hand, just before its turn", hours(31), true, false, false},
        Case{"half an interval and more before", hours(30 + 85), true, false, true},
        Case{"less than half before", hours(30 + 83), true, false, false},
        Case{"in this turn", hours(29), true, false, false},
        Case{"asleep or silent", std::nullopt, false, false, false},
        Case{"runs one", std::nullopt, true, true, false}}) {
    SelfTestCandidate drive = ADrive("a");
    drive.since_short = c.age;
    drive.ready = c.ready;
    drive.running = c.running;
    EXPECT_THAT(ChooseSelfTests(plan, {drive}, kLongAgo, now), SizeIs(c.due ? 1 : 0)) << c.name;
  }
  SelfTestPlan off = plan;
  off.enabled = false;
  EXPECT_THAT(ChooseSelfTests(off, {ADrive("a")}, kLongAgo, now), IsEmpty());
}

TEST(SelfTestSchedule, OldTurnsAreForgottenByANewAgentButForTheLastDay) {
  const SelfTestPlan plan = ShortOnly();
  const LocalTime turn = TurnOf(plan, "a", SelfTestKind::kShort, kMonday);
  EXPECT_THAT(ChooseSelfTests(plan, {ADrive("a")}, turn + hours(23), turn + hours(25)), SizeIs(1));
  EXPECT_THAT(ChooseSelfTests(plan, {ADrive("a")}, turn + hours(25), turn + hours(25)), IsEmpty());
  EXPECT_THAT(ChooseSelfTests(plan, {ADrive("a")}, turn + hours(25), turn + days(7)), SizeIs(1));
}

TEST(SelfTestSchedule, AnExtendedTestGoesBeforeAShortOne) {
  SelfTestPlan plan = ShortOnly();
  plan.extended_interval = days(7);
  const std::vector<SelfTestStart> extended = {{"a", SelfTestKind::kExtended}};
  EXPECT_EQ(ChooseSelfTests(plan, {ADrive("a")}, kLongAgo, kMonday), extended);
  SelfTestCandidate drive = ADrive("a");
  drive.since_extended = hours(0);
  const std::vector<SelfTestStart> is_short = {{"a", SelfTestKind::kShort}};
  EXPECT_EQ(ChooseSelfTests(plan, {drive}, kLongAgo, kMonday), is_short);
}

TEST(SelfTestSchedule, TheWindowIsKeptOverMidnightToo) {
  struct Case {
    int start, end, at;  // minutes of the day
    bool open;
  };
  for (const Case& c :
       {Case{60, 300, 59, false}, Case{60, 300, 60, true}, Case{60, 300, 299, true},
        Case{60, 300, 300, false}, Case{1320, 360, 1319, false}, Case{1320, 360, 1320, true},
        Case{1320, 360, 0, true}, Case{1320, 360, 359, true}, Case{1320, 360, 360, false},
        Case{0, 0, 720, true}, Case{600, 600, 599, true}}) {
    SelfTestPlan plan = ShortOnly();
    plan.window_start = minutes(c.start);
    plan.window_end = minutes(c.end);
    const LocalTime now = kMonday + minutes(c.at);
    EXPECT_EQ(InWindow(plan, now), c.open) << c.start << "-" << c.end << " at " << c.at;
    EXPECT_THAT(ChooseSelfTests(plan, {ADrive("a")}, kLongAgo, now), SizeIs(c.open ? 1 : 0));
    EXPECT_TRUE(InWindow(plan, TurnOf(plan, "a", SelfTestKind::kShort, now)));
  }
}

TEST(SelfTestSchedule, CapsHoldPerHostAndEnclosure) {
  SelfTestPlan plan = ShortOnly();
  plan.max_per_host = 3;
  plan.max_per_enclosure = 2;
  std::vector<SelfTestCandidate> drives = {ADrive("a", "x"), ADrive("b", "x"), ADrive("c", "x"),
                                           ADrive("d", "y"), ADrive("e", "y")};
  EXPECT_THAT(ChooseSelfTests(plan, drives, kLongAgo, kMonday), SizeIs(3));
  // What runs counts, though others have started it.
  drives[0].running = true;
  drives[1].running = true;
  std::vector<std::string> ids;
  for (const auto& start : ChooseSelfTests(plan, drives, kLongAgo, kMonday)) {
    ids.push_back(start.drive_id);
  }
  ASSERT_THAT(ids, SizeIs(1));
  EXPECT_TRUE(ids[0] == "d" || ids[0] == "e");
  drives[3].running = true;
  EXPECT_THAT(ChooseSelfTests(plan, drives, kLongAgo, kMonday), IsEmpty());
  // Of unknown place: one enclosure.
  std::vector<SelfTestCandidate> nowhere = {ADrive("a", ""), ADrive("b", ""), ADrive("c", "")};
  EXPECT_THAT(ChooseSelfTests(plan, nowhere, kLongAgo, kMonday), SizeIs(2));
}

TEST(SelfTestSchedule, AFleetIsSpreadOverDaysAndMinutes) {
  SelfTestPlan plan = ShortOnly();
  plan.window_start = minutes(1320);
  plan.window_end = minutes(360);
  std::map<std::int64_t, int> by_day;
  std::map<std::int64_t, int> by_hour;
  constexpr int kDrives = 7000;
  for (int i = 0; i < kDrives; ++i) {
    const LocalTime turn =
        TurnOf(plan, "wwn-0x5000c500" + std::to_string(i), SelfTestKind::kShort, kMonday);
    ASSERT_LE(turn, kMonday);
    ASSERT_GT(turn, kMonday - days(7));
    ++by_day[(kMonday - turn) / days(1)];
    ++by_hour[std::chrono::floor<hours>(turn.time_since_epoch()).count() % 24];
    // A turn comes once in an interval.
    EXPECT_EQ(TurnOf(plan, "wwn-0x5000c500" + std::to_string(i), SelfTestKind::kShort,
                     turn + days(7) - minutes(1)),
              turn);
  }
  ASSERT_THAT(by_day, SizeIs(7));
  for (const auto& [day, count] : by_day) EXPECT_NEAR(count, 1000, 200) << day;
  ASSERT_THAT(by_hour, SizeIs(8));
  for (const auto& [hour, count] : by_hour) EXPECT_NEAR(count, 875, 200) << hour;
}

// Hours pass, drives sleep, come back, are tested by others; whatever happens, the caps hold and
// each drive is tested in the end.
TEST(SelfTestSchedule, NeverMoreThanTheCapsRunAtOnce) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const auto up_to = [&](unsigned n) { return static_cast<unsigned>(random() % (n + 1)); };
    SelfTestPlan plan = ShortOnly();
    plan.extended_interval = days(up_to(1) * 14);
    plan.max_per_host = 1 + up_to(4);
    plan.max_per_enclosure = 1 + up_to(2);
    if (up_to(1) == 1) plan.window_end = minutes(60 * (1 + up_to(20)));
    std::vector<SelfTestCandidate> drives;
    for (unsigned i = 0; i < 12; ++i) {
      drives.push_back(ADrive("d" + std::to_string(i), std::string(up_to(2), 'e')));
    }
    std::map<std::string, unsigned> left;  // hours, of tests that run
    std::set<std::string> tested;
    LocalTime now = kMonday;
    for (int hour = 0; hour < 24 * 60; ++hour, now += hours(1)) {
      for (SelfTestCandidate& drive : drives) {
        drive.ready = up_to(9) != 0;
        if (drive.since_short) ++*drive.since_short;
        if (drive.since_extended) ++*drive.since_extended;
        if (drive.running && --left[drive.drive_id] == 0) {
          drive.running = false;
          drive.since_short = hours(0);
        }
      }
      for (const SelfTestStart& start : ChooseSelfTests(plan, drives, kMonday, now)) {
        ASSERT_TRUE(InWindow(plan, now));
        auto found = std::find_if(drives.begin(), drives.end(),
                                  [&](const auto& d) { return d.drive_id == start.drive_id; });
        ASSERT_TRUE(found->ready && !found->running) << seed;
        found->running = true;
        if (start.kind == SelfTestKind::kExtended) found->since_extended = hours(0);
        left[start.drive_id] = start.kind == SelfTestKind::kShort ? 1 : 1 + up_to(30);
        tested.insert(start.drive_id);
      }
      std::map<std::string, unsigned> in_enclosure;
      unsigned running = 0;
      for (const SelfTestCandidate& drive : drives) {
        if (!drive.running) continue;
        ++running;
        ASSERT_LE(++in_enclosure[drive.enclosure], plan.max_per_enclosure) << seed;
      }
      ASSERT_LE(running, plan.max_per_host) << seed;
    }
    EXPECT_THAT(tested, SizeIs(drives.size())) << seed;
  }
}

}  // namespace
}  // namespace remapfleet::agent
