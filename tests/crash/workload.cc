// What is done to the target whose crashes are looked at, noted in the log as it is done.
//
//   crash_workload fill SECTORS DATA_OFFSET       all of main, before there is a target
//   crash_workload run SECTORS DATA_OFFSET OPERATIONS SEED
//
// The devices are log (dm-log-writes), main (on it) and r, the target.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/device.h"
#include "tests/sim/content.h"

namespace remapfleet::crash {
namespace {

constexpr std::uint64_t kBlock = 8;
constexpr unsigned kWriters = 4;
constexpr std::uint64_t kOperator = 5;     // every so many operations somebody sends a message …
constexpr std::uint64_t kMove = 150;       // … what is bad moves …
constexpr std::uint64_t kSuspend = 1'500;  // … and the target is suspended

std::string N(std::uint64_t n) { return std::to_string(n); }

struct Range {
  std::uint64_t sector = 0, n = 0;
  std::string Words() const { return N(sector) + "," + N(n); }
};

class Workload {
 public:
  Workload(std::uint64_t sectors, std::uint64_t data_offset, std::uint64_t operations,
           std::uint64_t seed)
      : sectors_(sectors), data_offset_(data_offset), operations_(operations), seed_(seed) {}
  void Run();

 private:
  using Random = std::mt19937_64;
  static std::uint64_t Below(Random& r, std::uint64_t n) { return r() % n; }

  void Note(const std::string& mark) const;
  void Writer(unsigned nr);
  void Operation(unsigned nr, Random& r, Disk& disk);
  Range Draw(unsigned nr, Random& r);
  void Write(Random& r, Disk& disk, Range range);
  void Flush(Disk& disk);
  void Discard(Disk& disk, Range range);
  void Operate(std::uint64_t count, Random& r);
  std::string Message(Random& r) const;
  void Say(const std::string& text);
  void MoveFaults(Random& r);
  Range Area(unsigned nr) const;

  const std::uint64_t sectors_, data_offset_, operations_, seed_;
  const Mapped log_{"log"}, main_{"main"}, target_{"r"};
  std::atomic<std::uint64_t> next_id_{sim::kFirstWrite};
  std::atomic<std::uint64_t> done_{0};
  std::mutex operator_;  // one at a time changes what blocks are
  std::mutex bad_lock_;
  std::array<Range, kWriters> bad_{};  // of each area
};

void Workload::Note(const std::string& mark) const {
  if (log_.Send("mark " + mark) != 0) Die("cannot mark " + mark);
}

// Areas begin in the middle of a block, so that some blocks are written by two.
Range Workload::Area(unsigned nr) const {
  const auto edge = [&](unsigned i) {
    return i == 0 ? 0 : i == kWriters ? sectors_ : sectors_ / kWriters * i + kBlock / 2;
  };
  return {edge(nr), edge(nr + 1) - edge(nr)};
}

Range Workload::Draw(unsigned nr, Random& r) {
  const Range area = Area(nr);
  Range range;
  {
    const std::lock_guard guard(bad_lock_);
    range = bad_[nr];
  }
  const std::uint64_t at = range.n != 0 && Below(r, 3) != 0 ? range.sector + Below(r, range.n)
                                                            : area.sector + Below(r, area.n);
  switch (Below(r, 4)) {
    case 0:  // a part of a block
      range = {at, 1 + Below(r, kBlock - 1)};
      break;
    case 1:  // several, not aligned
      range = {at, 1 + Below(r, 6 * kBlock)};
      break;
    default:  // whole blocks
      range = {at / kBlock * kBlock,
               kBlock * (1 + (Below(r, 4) == 0 ? Below(r, 12) : Below(r, 2)))};
      break;
  }
  range.sector = std::max(range.sector, area.sector);
  range.n = std::min(range.n, area.sector + area.n - range.sector);
  return range;
}

void Workload::Write(Random& r, Disk& disk, Range range) {
  const std::uint64_t id = next_id_++;
  const bool fua = Below(r, 4) == 0;
  for (std::uint64_t i = 0; i < range.n; i++)
    sim::FillSector(range.sector + i, id, disk.buffer() + i * sim::kSector);
  Note("begin," + N(id) + ",write," + range.Words() + (fua ? ",1" : ",0"));
  const int error = disk.Write(range.sector, range.n, fua);
  Note("end," + N(id) + "," + N(static_cast<std::uint64_t>(error)));
}

void Workload::Flush(Disk& disk) {
  const std::uint64_t id = next_id_++;
  Note("begin," + N(id) + ",flush,0,0,0");
  const int error = disk.Flush();
  Note("end," + N(id) + "," + N(static_cast<std::uint64_t>(error)));
}

// The log says of a discard neither when it was done nor what by: nothing else happens to these
// blocks until it is flushed.
void Workload::Discard(Disk& disk, Range range) {
  const std::lock_guard guard(operator_);
  const std::uint64_t id = next_id_++;
  Note("begin," + N(id) + ",discard," + range.Words() + ",0");
  const int error = disk.Discard(range.sector, range.n);
  Note("end," + N(id) + "," + N(static_cast<std::uint64_t>(error)));
  Flush(disk);
}

void Workload::Operation(unsigned nr, Random& r, Disk& disk) {
  const Range range = Draw(nr, r);
  const std::uint64_t pick = Below(r, 100);
  if (pick < 78)
    Write(r, disk, range);
  else if (pick < 88)
    Flush(disk);
  else if (pick < 98)
    disk.Read(range.sector, range.n);  // finds pending blocks; what it gives is not looked at here
  else
    Discard(disk, range);
}

void Workload::Writer(unsigned nr) {
  Random r(seed_ * 1000 + nr);
  Disk disk("/dev/mapper/r");
  for (std::uint64_t count; (count = done_++) < operations_;) {
    Operation(nr, r, disk);
    Operate(count + 1, r);
  }
}

void Workload::Say(const std::string& text) {
  const std::string id = N(next_id_++);
  std::string words = text;
  std::replace(words.begin(), words.end(), ' ', ':');
  Note("say," + id + "," + words);
  const int error = target_.Send(text);
  Note("said," + id + "," + N(static_cast<std::uint64_t>(error)));
}

std::string Workload::Message(Random& r) const {
  const std::uint64_t blocks = sectors_ / kBlock;
  const std::string range = N(Below(r, blocks - 4)) + " " + N(1 + Below(r, 4));
  switch (Below(r, 24)) {
    case 0:
    case 1:
    case 2:
      return "pending add " + range;
    case 3:
      return "pending clear " + range;
    case 4:
      return "set pending_write verify";
    case 5:
      return "set pending_write remap";
    case 6:
      return std::string("set alloc ") + (Below(r, 2) == 0 ? "near" : "wear");
    case 7:
      return "mark_slot_bad " + N(Below(r, 1000));
    case 8:
      return "checkpoint";
    case 9:
      return Below(r, 2) == 0 ? "scrub start 0" : "scrub stop";
    case 10:
      return "rebalance";
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
      return "unmap " + N(Below(r, blocks - 16)) + " " + N(1 + Below(r, 16));
    default:
      return "remap " + range;
  }
}

// Other ranges of main fail from now on; one in each writer's area.
void Workload::MoveFaults(Random& r) {
  std::array<Range, kWriters> next;
  for (unsigned i = 0; i < kWriters; i++) {
    const Range area = Area(i);
    const std::uint64_t n = 2 * kBlock + Below(r, 30 * kBlock);
    // with a gap to the next area's
    next[i] = {area.sector + 1 + Below(r, area.n - n - 2), n};
    if (Below(r, 2) == 0) next[i].sector = (next[i].sector + kBlock) / kBlock * kBlock;
    next[i].n = std::min(next[i].n, area.sector + area.n - 1 - next[i].sector);
  }
  std::string table;
  std::uint64_t at = 0;
  const std::uint64_t end = data_offset_ + sectors_;
  const auto line = [&](std::uint64_t to, bool bad) {
    table +=
        N(at) + " " + N(to - at) + (bad ? " error\n" : " linear /dev/mapper/log " + N(at) + "\n");
    at = to;
  };
  for (const Range& bad : next) {
    line(data_offset_ + bad.sector, false);
    line(data_offset_ + bad.sector + bad.n, true);
  }
  line(end, false);
  for (const Range& bad : bad_)
    if (bad.n != 0) Note("good," + bad.Words());
  for (const Range& bad : next) Note("bad," + bad.Words());
  main_.Reload(table);
  for (const Range& bad : bad_)
    if (bad.n != 0) Note("is_good," + bad.Words());
  for (const Range& bad : next) Note("is_bad," + bad.Words());
  const std::lock_guard guard(bad_lock_);
  bad_ = next;
}

void Workload::Operate(std::uint64_t count, Random& r) {
  const std::lock_guard guard(operator_);
  if (count % kMove == 1) MoveFaults(r);
  if (count % kSuspend == 0) target_.SuspendAndResume();
  if (count % kOperator == 0) Say(Message(r));
}

void Workload::Run() {
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < kWriters; i++) writers.emplace_back([this, i] { Writer(i); });
  for (auto& writer : writers) writer.join();
  Disk disk("/dev/mapper/r");
  Flush(disk);
  std::printf("%llu operations\n", static_cast<unsigned long long>(next_id_.load()));
}

void Fill(std::uint64_t sectors, std::uint64_t data_offset) {
  Disk disk("/dev/mapper/main");
  for (std::uint64_t at = 0; at < sectors;) {
    const std::uint64_t n = std::min(sectors - at, Disk::kMost);
    for (std::uint64_t i = 0; i < n; i++)
      sim::FillSector(at + i, sim::kInitial, disk.buffer() + i * sim::kSector);
    if (disk.Write(data_offset + at, n, false) != 0) Die("cannot fill main");
    at += n;
  }
  if (disk.Flush() != 0) Die("cannot flush main");
}

}  // namespace
}  // namespace remapfleet::crash

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto number = [&](std::size_t i) { return std::stoull(words[i]); };
  if (words.size() == 3 && words[0] == "fill") {
    remapfleet::crash::Fill(number(1), number(2));
  } else if (words.size() == 5 && words[0] == "run") {
    remapfleet::crash::Workload(number(1), number(2), number(3), number(4)).Run();
  } else {
    std::fprintf(stderr,
                 "usage: crash_workload fill SECTORS DATA_OFFSET\n"
                 "       crash_workload run SECTORS DATA_OFFSET OPERATIONS SEED\n");
    return 2;
  }
  return 0;
}
