#include "tests/crash/excuses.h"

#include <algorithm>
#include <sstream>

#include "tests/crash/marks.h"

namespace remapfleet::crash {

Excuses::Excuses(const History& history) : history_(history), sectors_(history.target_sectors()) {}

bool Excuses::MayFail(std::uint64_t sector) const {
  const Sector& s = sectors_[sector];
  return !s.on_slot && (s.may_be_bad || s.trouble > s.written);
}

// Where "pending add <block> <count>" or "unmap <block> <count>" begins or ends.
void Excuses::Message(const Operation& o, std::size_t i) {
  std::istringstream in(o.message);
  std::string word;
  std::uint64_t first = 0, count = 1;
  in >> word;
  const bool pending = word == "pending";
  if (pending) in >> word;
  if (word != "add" && word != "unmap") return;
  in >> first >> count;
  const std::uint64_t end =
      std::min<std::uint64_t>((first + count) * history_.block_size(), sectors_.size());
  for (std::uint64_t n = first * history_.block_size(); n < end; n++) {
    Sector& s = sectors_[n];
    if (pending) {
      s.trouble = i;
    } else {
      s.unmapped = i;
      s.on_slot = false;
    }
  }
}

void Excuses::TakeFault(const std::vector<std::string>& words, std::size_t i) {
  const std::uint64_t first = std::stoull(words.at(1));
  const std::uint64_t end = first + std::stoull(words.at(2));
  for (std::uint64_t n = first; n < end; n++) {
    Sector& s = sectors_[n];
    if (words[0] == "bad") s.may_be_bad = true;
    if (words[0] == "is_bad") s.may_be_bad = true, s.bad_since = i;
    if (words[0] == "good") s.bad_since = kNever;
    if (words[0] == "is_good") s.may_be_bad = false;
    s.trouble = i;
  }
}

bool Excuses::BadThroughout(const Operation& o) const {
  for (std::uint64_t n = o.sector; n < o.sector + o.n; n++)
    if (sectors_[n].bad_since >= o.begin) return false;
  return true;
}

void Excuses::ForGood(const Waiting& w) {
  for (std::uint64_t n = w.write->sector; n < w.write->sector + w.write->n; n++) {
    Sector& s = sectors_[n];
    if (w.write->begin < s.written) continue;
    s.written = w.write->begin;
    s.on_slot |= w.on_slot && s.unmapped < w.write->begin;
  }
}

void Excuses::End(const Operation& o, std::size_t i) {
  if (o.kind == Operation::Kind::kMessage) {
    Message(o, i);
  } else if (o.error != 0) {
    return;
  } else if (o.kind == Operation::Kind::kWrite) {
    const Waiting w{&o, BadThroughout(o)};
    if (o.fua)
      ForGood(w);
    else
      waiting_.push_back(w);
  } else if (o.kind == Operation::Kind::kFlush) {
    std::erase_if(waiting_, [&](const Waiting& w) {
      if (w.write->end > o.begin) return false;
      ForGood(w);
      return true;
    });
  }
}

void Excuses::Advance(std::size_t i) {
  const std::string& mark = history_.entry(i).mark;
  if (mark.empty()) return;
  if (const Operation* o = history_.Begins(i)) {
    if (o->kind == Operation::Kind::kMessage) Message(*o, i);
    return;
  }
  if (const Operation* o = history_.Ends(i)) return End(*o, i);
  const auto words = Split(mark, ',');
  if (words[0] == "bad" || words[0] == "is_bad" || words[0] == "good" || words[0] == "is_good")
    TakeFault(words, i);
}

}  // namespace remapfleet::crash
