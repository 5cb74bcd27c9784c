// What stands on the devices at any place of the log, and what a power cut there may leave of it.
//
// The log has one order but the devices have a cache each, and an empty flush in it does not say
// whose it was. So main counts as flushed only when an operation that flushes has ended, and a
// spare by that and by the flush in front of a metadata write. Until then what was written without
// FUA may be there or not, whatever other flushes the log has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "tests/crash/history.h"
#include "tests/sim/world.h"

namespace remapfleet::crash {

// A sector that is other than what is durable.
struct Change {
  std::size_t slice;
  std::uint64_t sector;  // in the slice
  const std::uint8_t* data;
};

enum class Survives : std::uint8_t {
  kLogged,   // all the log has up to here
  kNothing,  // nothing of the caches
  kAnything  // any part of what was in the caches and on its way, sector by sector
};

class Medium {
 public:
  // What goes wrong with the devices from the first operation on, so that the checks can be seen to
  // find it.
  enum class Lie : std::uint8_t { kNone, kFua, kFlush };

  Medium(const History& history, std::uint64_t seed, Lie lie);
  // Takes the next entry.
  void Advance();
  std::size_t at() const { return at_; }
  const std::uint8_t* Durable(std::size_t slice) const { return slices_[slice].durable.data(); }
  std::vector<Change> Crash(Survives survives, sim::Random* random);

 private:
  struct Version {
    const std::uint8_t* data;
    std::size_t entry;
    const Operation* by;
  };
  struct Slice {
    const SliceShape* shape;
    std::vector<std::uint8_t> durable;
    std::map<std::uint64_t, std::vector<Version>> cached;  // oldest first
    std::map<std::uint64_t, std::size_t> fua;              // when a sector was last written so
  };
  Slice* Of(const Entry& e);
  void WriteDurable(std::size_t i);
  void Cache(std::size_t i);
  void Flush(std::size_t begun);  // an operation that flushes has ended
  void FlushBeforeMetadata();
  bool OnItsWay(std::size_t i) const;
  bool Lies(Lie lie) const { return lie_ == lie && next_volatile_ != 0; }
  template <class IsDurable>
  void Settle(Slice* slice, const IsDurable& is_durable);

  const History& history_;
  Lie lie_;
  sim::Random random_;
  std::vector<Slice> slices_;
  std::size_t at_ = 0;
  std::size_t last_flush_ = 0;
  std::size_t next_volatile_ = 0;
  std::set<std::size_t> submitted_;  // volatile writes that have begun and are not cached yet
  std::set<std::size_t> taken_;      // … that were cached before the log came to them
};

}  // namespace remapfleet::crash
