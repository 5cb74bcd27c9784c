// Which sectors may give an error after a crash: those that could not be read, or were marked,
// since something was last written there for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/history.h"

namespace remapfleet::crash {

class Excuses {
 public:
  explicit Excuses(const History& history);
  // Takes the next entry.
  void Advance(std::size_t i);
  bool MayFail(std::uint64_t sector) const;
  // Main gives errors there, for sure.
  bool Bad(std::uint64_t sector) const { return sectors_[sector].bad_since != kNever; }

 private:
  struct Sector {
    std::size_t written = 0;         // the beginning of the last write that is there for good
    std::size_t trouble = 0;         // the last time that main may have failed here, or was marked
    bool may_be_bad = false;         // it may fail now
    std::size_t bad_since = kNever;  // it fails for sure since then
    std::size_t unmapped = 0;        // the last time that the block may have moved to main
    bool on_slot = false;            // what was written for good went to a slot, and stays there
  };
  struct Waiting {
    const Operation* write;
    bool on_slot;
  };
  void TakeFault(const std::vector<std::string>& words, std::size_t i);
  void End(const Operation& o, std::size_t i);
  void ForGood(const Waiting& w);
  bool BadThroughout(const Operation& o) const;
  void Message(const Operation& o, std::size_t i);

  const History& history_;
  std::vector<Sector> sectors_;
  std::vector<Waiting> waiting_;  // acknowledged, not known to be durable
};

}  // namespace remapfleet::crash
