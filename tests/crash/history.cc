#include "tests/crash/history.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/crash/marks.h"
#include "tests/sim/content.h"

namespace remapfleet::crash {

History::History(const Log& log) : log_(log), next_fua_(log.entries().size() + 1, size()) {
  for (std::size_t i = 0; i < size(); i++)
    if (!entry(i).mark.empty()) TakeMark(i, Split(entry(i).mark, ','));
  for (std::size_t i = size(); i-- != 0;)
    next_fua_[i] = entry(i).fua && entry(i).writes() ? i : next_fua_[i + 1];
  FindWriters();
  if (slices_.size() < 2 || table_.empty()) {
    std::fprintf(stderr, "crash_replay: the log does not say what it is of\n");
    std::exit(2);
  }
}

void History::TakeMark(std::size_t i, const std::vector<std::string>& words) {
  const auto number = [&](std::size_t n) { return std::stoull(words.at(n)); };
  if (words[0] == "slice") {
    slices_.push_back({words.at(1), number(2), number(3), number(4)});
  } else if (words[0] == "target") {
    target_sectors_ = number(1);
    data_offset_ = number(2);
    table_ = Replaced(words.at(3), ':', ' ');
  } else if (words[0] == "begin") {
    Operation& o = operations_[number(1)];
    o.kind = words.at(2) == "write"   ? Operation::Kind::kWrite
             : words.at(2) == "flush" ? Operation::Kind::kFlush
                                      : Operation::Kind::kDiscard;
    o.sector = number(3);
    o.n = number(4);
    o.fua = number(5) != 0;
    o.begin = i;
    begins_[i] = number(1);
  } else if (words[0] == "say") {
    Operation& o = operations_[number(1)];
    o.kind = Operation::Kind::kMessage;
    o.message = Replaced(words.at(2), ':', ' ');
    o.begin = i;
    begins_[i] = number(1);
  } else if (words[0] == "end" || words[0] == "said") {
    Operation& o = operations_.at(number(1));
    o.end = i;
    o.error = static_cast<int>(number(2));
    ends_[i] = number(1);
  }
}

void History::FindWriters() {
  for (std::size_t i = 0; i < size(); i++) {
    const Entry& e = entry(i);
    std::uint64_t sector = 0, value = 0;
    if (e.fua || e.data == nullptr || !sim::AnySectorValue(e.data, &sector, &value)) continue;
    if (operations_.find(value) == operations_.end()) continue;  // from before there was a target
    writers_[i] = value;
    volatile_writes_.push_back(i);
  }
  std::stable_sort(
      volatile_writes_.begin(), volatile_writes_.end(),
      [this](std::size_t a, std::size_t b) { return Writer(a)->begin < Writer(b)->begin; });
}

const Operation* History::Find(const std::map<std::size_t, std::uint64_t>& in, std::size_t entry,
                               const std::map<std::uint64_t, Operation>& operations) {
  const auto at = in.find(entry);
  return at == in.end() ? nullptr : &operations.at(at->second);
}

std::size_t History::FirstOf(const SliceShape& slice) const {
  for (std::size_t i = 0; i < size(); i++)
    if (entry(i).writes() && entry(i).sector >= slice.start &&
        entry(i).sector < slice.start + slice.sectors)
      return i;
  return size();
}

}  // namespace remapfleet::crash
