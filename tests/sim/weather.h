// What went wrong outside of the target, and so which errors it may give, and which it must.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/disk.h"
#include "tests/sim/ops.h"

namespace remapfleet::sim {

class Weather {
 public:
  Weather(const Config& config, const Disk* main);

  // What is known when an I/O begins.
  struct Before {
    std::uint64_t time;
    std::uint64_t main_errors;
    std::uint64_t main_passing;
  };
  Before Begin();
  void WriteBegins(std::uint64_t sector, std::uint64_t n);
  void WriteEnds(const Before& before, std::uint64_t sector, std::uint64_t n, bool acknowledged);
  // Empty if an error is in order there.
  std::string ReadError(const Before& before, std::uint64_t sector, std::uint64_t n,
                        blk_status_t status) const;
  std::string WriteError(const Before& before, std::uint64_t sector, std::uint64_t n,
                         blk_status_t status) const;
  // Empty unless the read had to fail.
  std::string ReadSuccess(const Before& before, std::uint64_t sector, std::uint64_t n) const;

  void FaultSet(std::uint64_t sector, std::uint64_t n,
                const Fault& fault);  // on main, from the target's start
  void FaultsCleared(std::uint64_t sector, std::uint64_t n);
  void SpareTrouble() { spare_trouble_ = true; }
  void MemoryTrouble() { spare_trouble_ = true; }
  bool spare_trouble() const { return spare_trouble_; }
  // Whether so many blocks may be other than clean: no more than had a fault or were asked for.
  bool MayBeSpecial(std::uint64_t blocks) const { return main_was_gone_ || blocks <= n_special_; }
  void MessageBegins(const std::string& text);
  void MessageDone(const std::string& text, const std::string& reply, int result);
  void Crash();
  void MainGone() { last_unsure_ = UINT64_MAX, main_was_gone_ = true; }
  void MainBack() { last_unsure_ = ++time_; }

 private:
  struct Write {
    std::uint64_t begun = 0, acknowledged = 0;
  };
  struct Sector {
    // Acknowledged before the read began that asks, so that it does not go before the write.
    const Write& WrittenBefore(std::uint64_t time) const;

    Write write;                        // of those that were acknowledged, the one begun last
    Write earlier;                      // the one before that
    std::uint64_t touched = 0;          // last start of any write
    std::uint64_t bad_reads_until = 0;  // a read fault was there up to then
    std::uint64_t bad_since = 0;        // last start of a fault
    bool must_fail = false;             // marked pending by an operator
    std::uint64_t marked = 0;
  };
  bool Special(std::uint64_t sector, std::uint64_t n) const;
  void Mark(const std::string& text, bool special);
  bool SlotsShort() const;
  // Maintenance, a burst limit, a device that is gone: errors pass through.
  bool Unsure(const Before& before) const;

  const Config& config_;
  const Disk* main_;
  std::vector<Sector> sectors_;
  std::vector<bool> special_;  // blocks that may be other than clean
  unsigned n_special_ = 0;
  unsigned slots_marked_ = 0;
  bool spare_trouble_ = false;
  bool main_was_gone_ = false;  // and may have been taken for bad
  bool maintenance_ = false;
  bool burst_ = false;
  unsigned switching_ = 0;  // messages under way that turn these on or off
  unsigned clearing_ = 0;   // messages under way that clear what was marked pending
  std::uint64_t last_unsure_ = 0;
  std::uint64_t time_ = 1;
};

}  // namespace remapfleet::sim
