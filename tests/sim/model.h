// What each sector may hold: the reference that reads are checked against.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/content.h"

namespace remapfleet::sim {

class Model {
 public:
  explicit Model(std::uint64_t sectors);

  std::uint64_t NewValue() { return next_value_++; }
  std::uint64_t now() const { return clock_; }

  // A write of value under way; the token is for EndWrite.
  std::uint64_t BeginWrite(std::uint64_t sector, std::uint64_t n, std::uint64_t value);
  // acknowledged: it took place; otherwise it may have or not. durable: with FUA.
  void EndWrite(std::uint64_t token, bool acknowledged, bool durable);
  // The same for one that was refused: it may have taken place or not, and where the metadata is in
  // doubt a reload may bring it back even if the old value was seen.
  void RefuseWrite(std::uint64_t token);
  std::uint64_t BeginFlush() { return ++clock_; }
  void EndFlush(std::uint64_t token);
  std::uint64_t BeginRead();
  // Empty if the sectors may hold what was read.
  std::string EndRead(std::uint64_t token, std::uint64_t sector, std::uint64_t n,
                      const std::uint8_t* data);
  void DropRead(std::uint64_t token);
  // The target is being loaded anew, with its metadata in doubt.
  void BeginReload();
  void EndReload() { reloading_ = false; }
  // The power is gone: what was not durable is old or new.
  void Crash();

  std::uint64_t sectors() const { return sectors_.size(); }
  std::string Describe(std::uint64_t sector) const;

 private:
  static constexpr std::uint64_t kNever = UINT64_MAX;
  struct Candidate {
    std::uint64_t value;
    std::uint64_t start;
    std::uint64_t end;       // kNever: under way
    std::uint64_t replaced;  // when it stopped being what a read may give
    bool durably;            // replaced by something durable: not even a crash brings it back
    bool refused = false;
    std::uint64_t unseen = kNever;  // refused: when something else was seen there
  };
  struct Sector {
    std::vector<Candidate> candidates;
    bool settled = true;  // nothing was written since the last crash: what is read now stays
  };
  struct Write {
    std::uint64_t sector, n, value, start, acknowledged;
  };
  void Replace(const Write& w, std::uint64_t when, bool durably);
  void Purge(Sector& s);

  std::vector<Sector> sectors_;
  std::map<std::uint64_t, Write> writing_;     // by token, which is the start
  std::vector<Write> volatile_;                // acknowledged, not known to be durable
  std::multimap<std::uint64_t, int> reading_;  // by start
  bool reloading_ = false;
  std::uint64_t clock_ = 1;
  std::uint64_t next_value_ = kFirstWrite;
};

}  // namespace remapfleet::sim
