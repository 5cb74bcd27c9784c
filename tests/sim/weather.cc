#include "tests/sim/weather.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace remapfleet::sim {
namespace {

std::string At(std::uint64_t sector, std::uint64_t n, blk_status_t status) {
  return " of " + std::to_string(sector) + "+" + std::to_string(n) + " failed with " +
         std::to_string(blk_status_to_errno(status));
}

}  // namespace

Weather::Weather(const Config& config, const Disk* main)
    : config_(config), main_(main), sectors_(config.length), special_(config.blocks()) {}

Weather::Before Weather::Begin() { return {++time_, main_->errors(), main_->passing_errors()}; }

bool Weather::Unsure(const Before& before) const {
  return maintenance_ || burst_ || last_unsure_ >= before.time;
}

void Weather::WriteBegins(std::uint64_t sector, std::uint64_t n) {
  ++time_;
  for (std::uint64_t s = sector; s < sector + n; s++) {
    sectors_[s].touched = time_;
    sectors_[s].must_fail = false;
  }
}

const Weather::Write& Weather::Sector::WrittenBefore(std::uint64_t time) const {
  static const Write kNone;
  if (write.acknowledged <= time) return write;
  return earlier.acknowledged <= time ? earlier : kNone;
}

void Weather::WriteEnds(const Before& before, std::uint64_t sector, std::uint64_t n,
                        bool acknowledged) {
  ++time_;
  for (std::uint64_t s = sector; s < sector + n; s++) {
    sectors_[s].touched = time_;
    if (!acknowledged || before.time < sectors_[s].write.begun) continue;
    sectors_[s].earlier = std::exchange(sectors_[s].write, {before.time, time_});
  }
}

bool Weather::Special(std::uint64_t sector, std::uint64_t n) const {
  for (std::uint64_t b = sector / config_.block_size; b <= (sector + n - 1) / config_.block_size;
       b++)
    if (special_[b]) return true;
  return false;
}

// A bound from above on what can be in use, so as to know when an error for want of a slot is out
// of order. All spares but one may have been evacuated.
bool Weather::SlotsShort() const { return n_special_ + slots_marked_ + 1 >= config_.slots; }

std::string Weather::ReadError(const Before& before, std::uint64_t sector, std::uint64_t n,
                               blk_status_t status) const {
  if (Unsure(before) && Special(sector, n)) return "";
  if (last_unsure_ >= before.time) return "";
  // a transport error on main, or one that was still to come
  if (main_->errors() != before.main_errors && status != BLK_STS_MEDIUM && status != BLK_STS_IOERR)
    return "";
  if (spare_trouble_ && Special(sector, n)) return "";
  for (std::uint64_t s = sector; s < sector + n; s++) {
    const Sector& state = sectors_[s];
    const std::uint64_t written = state.WrittenBefore(before.time).begun;
    // main could not take what was acknowledged since: it is elsewhere
    if (main_->Faulty(config_.data_offset + s, true) && written > state.bad_since &&
        state.marked == 0)
      continue;
    // a read fault since it was written last, and its whole logical block fails with it
    if (main_->Faulty(config_.data_offset + s, false) || state.bad_reads_until > written ||
        state.marked != 0)
      return "";
  }
  return "read" + At(sector, n, status) + " though nothing is wrong there";
}

std::string Weather::WriteError(const Before& before, std::uint64_t sector, std::uint64_t n,
                                blk_status_t status) const {
  if (Unsure(before) && Special(sector, n)) return "";
  if (last_unsure_ >= before.time) return "";
  if (main_->errors() != before.main_errors && status != BLK_STS_MEDIUM && status != BLK_STS_IOERR)
    return "";
  // the rest of a block could not be gathered: the write's own error is told
  if (main_->passing_errors() != before.main_passing && Special(sector, n)) return "";
  if (spare_trouble_ && Special(sector, n)) return "";
  if (SlotsShort() && Special(sector, n)) return "";
  return "write" + At(sector, n, status) + " though spare and slots are in order";
}

std::string Weather::ReadSuccess(const Before& before, std::uint64_t sector,
                                 std::uint64_t n) const {
  if (spare_trouble_) return "";
  for (std::uint64_t s = sector; s < sector + n; s++) {
    const Sector& state = sectors_[s];
    if (state.must_fail && state.marked < before.time && state.touched < state.marked)
      return "read of " + std::to_string(sector) + "+" + std::to_string(n) +
             " gives data though sector " + std::to_string(s) + " was marked pending";
  }
  return "";
}

void Weather::FaultSet(std::uint64_t sector, std::uint64_t n, const Fault& fault) {
  ++time_;
  const std::uint64_t unit = config_.main.logical / kSector;
  for (std::uint64_t s = sector / unit * unit;
       s < std::min(config_.length, (sector + n + unit - 1) / unit * unit); s++) {
    if (fault.reads) sectors_[s].bad_reads_until = UINT64_MAX;
    sectors_[s].bad_since = time_;
    const std::uint64_t block = s / config_.block_size;
    if (!special_[block]) n_special_++;
    special_[block] = true;
  }
}

void Weather::FaultsCleared(std::uint64_t sector, std::uint64_t n) {
  ++time_;
  for (std::uint64_t s = sector; s < std::min<std::uint64_t>(config_.length, sector + n); s++)
    if (sectors_[s].bad_reads_until == UINT64_MAX) sectors_[s].bad_reads_until = time_;
}

// The blocks of a message that changes some.
void Weather::Mark(const std::string& text, bool special) {
  std::istringstream in(text);
  std::string word, sub;
  std::uint64_t first = 0, count = 1;
  in >> word;
  if (word == "pending") in >> sub;
  if (word != "remap" && word != "unmap" && word != "pending") return;
  in >> first;
  if (!(in >> count)) count = 1;
  for (std::uint64_t b = first; b < first + count && b < special_.size(); b++) {
    if (special) {
      if (!special_[b]) n_special_++;
      special_[b] = true;
    }
    for (std::uint64_t s = b * config_.block_size;
         s < std::min<std::uint64_t>((b + 1) * config_.block_size, config_.length); s++) {
      if (sub == "add" && special) sectors_[s].marked = time_;
      if (sub == "add" && !special) {
        sectors_[s].must_fail = sectors_[s].touched < sectors_[s].marked;
        sectors_[s].marked = time_;
      }
      if (sub == "clear") sectors_[s].must_fail = false;
    }
  }
}

void Weather::MessageBegins(const std::string& text) {
  ++time_;
  Mark(text, true);
  if (text.starts_with("mark_slot_bad")) slots_marked_++;
  if (text.starts_with("pending clear")) clearing_++;
  if (text.starts_with("maintenance") || text.starts_with("set error_burst")) switching_++;
  if (text == "maintenance on") maintenance_ = true;
  if (text == "set error_burst 2") burst_ = true;
}

void Weather::MessageDone(const std::string& text, const std::string& reply, int result) {
  ++time_;
  if (text.starts_with("pending clear")) clearing_--;
  // a block that is not clean is not marked: only a whole success of a single block is counted on
  if (result == 0 && clearing_ == 0 && text.starts_with("pending add") && reply == "ok done=1")
    Mark(text, false);
  if (!text.starts_with("maintenance") && !text.starts_with("set error_burst")) return;
  if (--switching_ != 0 || result != 0) return;
  if (text == "maintenance off") maintenance_ = false;
  if (text == "set error_burst 4096") burst_ = false;
  last_unsure_ = std::max(last_unsure_, time_);
}

void Weather::Crash() {
  for (Sector& s : sectors_) s.must_fail = false;
  if (switching_ != 0) maintenance_ = true;  // it may have become durable or not
  switching_ = 0;
  clearing_ = 0;
}

}  // namespace remapfleet::sim
