#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "support/result.h"

namespace remapfleet::agent {

// The program ended here: thrown through everything, as no code of ours catches it.
struct Crash {};

// Counts the steps that a program takes outside itself, and has one of them fail or be the last.
class FaultPlan {
 public:
  enum class Kind { kNone, kFailBefore, kFailAfter, kCrashBefore, kCrashAfter };

  void Set(Kind kind, std::size_t step) {
    kind_ = kind;
    step_ = step;
    steps_ = 0;
  }
  void Clear() { Set(Kind::kNone, 0); }
  std::size_t steps() const { return steps_; }

  // `act` is the step; it returns a Result of anything.
  template <class Act>
  auto Do(const std::string& what, Act act) -> decltype(act()) {
    const bool now = ++steps_ == step_;
    if (now && kind_ == Kind::kCrashBefore) throw Crash();
    if (now && kind_ == Kind::kFailBefore) return Broken(what);
    auto result = act();
    if (now && kind_ == Kind::kCrashAfter) throw Crash();
    if (now && kind_ == Kind::kFailAfter) return Broken(what);
    return result;
  }

 private:
  static tl::unexpected<Error> Broken(const std::string& what) {
    return Fail(Code::kUnknown, "injected: " + what);
  }

  Kind kind_ = Kind::kNone;
  std::size_t step_ = 0;
  std::size_t steps_ = 0;
};

}  // namespace remapfleet::agent
