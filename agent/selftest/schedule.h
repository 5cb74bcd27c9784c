#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace remapfleet::agent {

enum class SelfTestKind { kShort, kExtended };
const char* NameOf(SelfTestKind kind);  // "short", "extended"

// The node's wall clock, as people there read it.
using LocalTime = std::chrono::local_time<std::chrono::microseconds>;

struct SelfTestPlan {
  bool enabled = false;
  std::chrono::days short_interval{7};      // 0: never
  std::chrono::days extended_interval{90};  // 0: never
  std::chrono::minutes window_start{0};     // of the local day, below 24 h
  std::chrono::minutes window_end{0};       // the same; equal to the start: all day
  unsigned max_per_host = 1;                // tests that run at once
  unsigned max_per_enclosure = 1;
};

// A drive, as far as it matters when it is to be tested.
struct SelfTestCandidate {
  std::string drive_id;
  std::string enclosure;  // drives of unknown place share the empty one
  bool ready = true;      // it answers, is awake, and takes self-tests
  bool running = false;   // a test, whoever started it, ready or not
  // How long ago tests ended that say something of the drive; an extended test is a short one, too.
  std::optional<std::chrono::hours> since_short;
  std::optional<std::chrono::hours> since_extended;
};

struct SelfTestStart {
  std::string drive_id;
  SelfTestKind kind = SelfTestKind::kShort;
  bool operator==(const SelfTestStart&) const = default;
};

// True where tests may start; how long they take, only the drive knows.
bool InWindow(const SelfTestPlan& plan, LocalTime now);

// The newest moment, up to `now`, at which this drive's test of an interval has its turn: once in
// each interval, on a day and at a minute of the window that a hash of its id chooses, so that a
// fleet is spread over both. The same in each run of the agent.
LocalTime TurnOf(const SelfTestPlan& plan, const std::string& drive_id, SelfTestKind kind,
                 LocalTime now);

// The tests to start now. A test is due from its turn on, if the last one was more than half an
// interval before; of turns that passed while no agent ran (it has since `since`), those of the
// last day count. With what runs already, never more than the caps at once: the caps are limits of
// tests that the agent starts, and those that others have started use them up. Extended tests go
// first, and those whose turn was earlier.
std::vector<SelfTestStart> ChooseSelfTests(const SelfTestPlan& plan,
                                           const std::vector<SelfTestCandidate>& drives,
                                           LocalTime since, LocalTime now);

}  // namespace remapfleet::agent
