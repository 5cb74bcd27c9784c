// Replays dm-log-writes' log of the workload to every FLUSH and FUA in it and to random places
// between, and checks at each that the target loads and gives what it has to.
//
//   crash_replay --module FILE --log IMAGE [--points N] [--seed N] [--only ENTRY]
//                [--lie fua|flush] [--stop]
//
// N: how many crash points at least. --only: nothing but the points at this entry. --lie: the
// devices lose what they said was durable; then something has to be found. --stop: at the first
// exception.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/excuses.h"
#include "tests/crash/history.h"
#include "tests/crash/log.h"
#include "tests/crash/machine.h"
#include "tests/crash/medium.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/model.h"

namespace remapfleet::crash {
namespace {

constexpr std::uint64_t kExceptionsShown = 10;

struct Options {
  std::string module, log;
  std::uint64_t points = 20'000;
  std::uint64_t seed = 1;
  std::size_t only = kNever;
  Medium::Lie lie = Medium::Lie::kNone;
  bool stop = false;
};

// The model, told what the marks say.
class Known {
 public:
  explicit Known(const History& history) : history_(history), model_(history.target_sectors()) {}
  const sim::Model& model() const { return model_; }

  void Advance(std::size_t i) {
    using Kind = Operation::Kind;
    if (const Operation* o = history_.Begins(i)) {
      if (o->kind == Kind::kWrite || o->kind == Kind::kDiscard)
        tokens_[o] = model_.BeginWrite(o->sector, o->n, Value(i));
      if (o->kind == Kind::kFlush) tokens_[o] = model_.BeginFlush();
    } else if (const Operation* ended = history_.Ends(i)) {
      const bool good = ended->error == 0;
      if (ended->kind == Kind::kWrite || ended->kind == Kind::kDiscard)
        model_.EndWrite(tokens_[ended], good && ended->kind == Kind::kWrite, ended->fua);
      if (ended->kind == Kind::kFlush && good) model_.EndFlush(tokens_[ended]);
      tokens_.erase(ended);
    }
  }

 private:
  std::uint64_t Value(std::size_t i) const {
    if (history_.Begins(i)->kind == Operation::Kind::kDiscard) return sim::kZeros;
    return std::stoull(history_.entry(i).mark.substr(sizeof("begin,") - 1));
  }
  const History& history_;
  sim::Model model_;
  std::map<const Operation*, std::uint64_t> tokens_;
};

struct Counts {
  std::uint64_t marks = 0, points = 0, exceptions = 0;
  std::uint64_t writes = 0, flushes = 0, messages = 0;  // of the workload, that went well
};

class Replay {
 public:
  Replay(const Options& options, sim::Module* module, const History& history)
      : options_(options),
        history_(history),
        medium_(history, options.seed, options.lie),
        excuses_(history),
        known_(history),
        machine_(module, history),
        random_(options.seed) {}

  void Run() {
    // from where the target has written something
    const std::size_t first = history_.FirstOf(history_.slices()[1]);
    const std::size_t places = history_.size() - first;
    std::uint64_t marks = 0;
    for (std::size_t i = first; i < history_.size(); i++) marks += IsFlushOrFua(i);
    const std::uint64_t more = options_.points > marks ? options_.points - marks : 0;
    for (std::size_t i = 0; i <= history_.size(); i++) {
      if (i > first) {
        if (IsFlushOrFua(i - 1)) {
          counts_.marks++;
          Check(i, Survives::kLogged);
        }
        // as many as are due up to here
        const std::uint64_t due = more * (i - first) / places - more * (i - first - 1) / places;
        for (std::uint64_t n = 0; n < due; n++)
          Check(i, random_.OneIn(6) ? Survives::kNothing : Survives::kAnything);
      }
      if (i == history_.size() || (options_.stop && counts_.exceptions != 0)) break;
      medium_.Advance();
      excuses_.Advance(i);
      known_.Advance(i);
      if (const Operation* o = history_.Ends(i)) {
        Count(*o);
        CheckFlush(*o);
      }
    }
  }
  const Counts& counts() const { return counts_; }

 private:
  bool IsFlushOrFua(std::size_t i) const {
    return history_.entry(i).flush || history_.entry(i).fua;
  }

  void Count(const Operation& o) {
    if (o.error != 0) return;
    counts_.writes += o.kind == Operation::Kind::kWrite;
    counts_.flushes += o.kind == Operation::Kind::kFlush;
    counts_.messages += o.kind == Operation::Kind::kMessage;
  }

  // The log does not say which of the devices a flush was for, and the medium takes one that was
  // answered for one of all: so all must have had theirs by then.
  void CheckFlush(const Operation& o) {
    if (o.kind != Operation::Kind::kFlush || o.error != 0) return;
    std::size_t flushes = 0, pieces = 0;
    for (const SliceShape& slice : history_.slices()) pieces += slice.pieces;
    for (std::size_t i = o.begin; i < o.end; i++) flushes += history_.entry(i).flush;
    if (flushes >= pieces) return;
    if (counts_.exceptions++ >= kExceptionsShown) return;
    std::printf("EXCEPTION at entry %zu: a flush was answered after %zu of %zu flushes below\n",
                o.end, flushes, pieces);
  }

  void Check(std::size_t at, Survives survives) {
    Point point;
    point.at = at;
    point.survives = survives;
    point.faults = random_.OneIn(2);
    point.twice = random_.OneIn(16);
    point.seed = random_.Next();
    if (options_.only != kNever && options_.only != at) return;
    counts_.points++;
    if (options_.only != kNever) sim::KeepKernelLog(true);
    const std::string wrong = machine_.Check(point, &medium_, excuses_, known_.model());
    if (wrong.empty() || counts_.exceptions++ >= kExceptionsShown) return;
    std::printf("EXCEPTION at %s: %s\n", Show(point).c_str(), wrong.c_str());
    if (options_.only != kNever) std::printf("%s", sim::TakeKernelLog().c_str());
    std::fflush(stdout);
  }

  const Options& options_;
  const History& history_;
  Medium medium_;
  Excuses excuses_;
  Known known_;
  Machine machine_;
  sim::Random random_;
  Counts counts_;
};

int Run(const Options& options) {
  sim::Module module(options.module);
  const Log log(options.log);
  const History history(log);
  Replay replay(options, &module, history);
  replay.Run();
  const Counts& c = replay.counts();
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "%llu writes, %llu flushes, %llu messages; %llu log entries, %llu FLUSH or FUA marks, %llu "
      "crash points, %llu exceptions\n",
      n(c.writes), n(c.flushes), n(c.messages), n(history.size()), n(c.marks), n(c.points),
      n(c.exceptions));
  return c.exceptions == 0 ? 0 : 1;
}

}  // namespace
}  // namespace remapfleet::crash

// What the target leaves behind when the power goes is dropped by hand.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

int main(int argc, char** argv) {
  using remapfleet::crash::Medium;
  remapfleet::crash::Options o;
  bool good = true;
  for (int i = 1; good && i < argc; i++) {
    const std::string name = argv[i];
    if (name == "--stop") {
      o.stop = true;
      continue;
    }
    if (i + 1 == argc) {
      good = false;
      break;
    }
    const std::string value = argv[++i];
    if (name == "--module") {
      o.module = value;
    } else if (name == "--log") {
      o.log = value;
    } else if (name == "--points") {
      o.points = std::strtoull(value.c_str(), nullptr, 0);
    } else if (name == "--seed") {
      o.seed = std::strtoull(value.c_str(), nullptr, 0);
    } else if (name == "--only") {
      o.only = std::strtoull(value.c_str(), nullptr, 0);
    } else if (name == "--lie" && (value == "fua" || value == "flush")) {
      o.lie = value == "fua" ? Medium::Lie::kFua : Medium::Lie::kFlush;
    } else {
      good = false;
    }
  }
  if (!good || o.module.empty() || o.log.empty()) {
    std::fprintf(stderr,
                 "usage: crash_replay --module FILE --log IMAGE [--points N] [--seed N] "
                 "[--only ENTRY] [--lie fua|flush] [--stop]\n");
    return 2;
  }
  return remapfleet::crash::Run(o);
}
