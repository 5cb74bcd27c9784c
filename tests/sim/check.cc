// Runs random episodes against the target and says the seed, and the shortest trace found, of what
// fails.
//
//   sim_check --module FILE [--seed N] [--ops N] [--per-episode N] [--no-shrink]

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/episode.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

namespace remapfleet::sim {
namespace {

struct Options {
  std::string module;
  std::uint64_t seed = 1;
  std::uint64_t ops = 100'000;
  unsigned per_episode = 400;
  bool shrink = true;
};

std::uint64_t current_seed = 0;

std::string RunOnce(Module* module, const Config& config, const std::vector<Op>& ops,
                    std::size_t* done, Counts* counts) {
  Episode episode(module, config);
  const std::string failure = episode.Run(ops, config.seed);
  *done = episode.done();
  if (counts != nullptr) counts->Add(episode.counts());
  return failure;
}

// Leaves out what the failure does not need; any failure will do.
std::vector<Op> Shrink(Module* module, const Config& config, std::vector<Op> ops) {
  std::size_t done = 0;
  unsigned tries = 500;
  for (std::size_t chunk = std::max<std::size_t>(1, ops.size() / 2); chunk != 0 && tries != 0;) {
    bool removed = false;
    for (std::size_t at = 0; at < ops.size() && tries != 0; tries--) {
      std::vector<Op> fewer(ops.begin(), ops.begin() + static_cast<std::ptrdiff_t>(at));
      if (at + chunk < ops.size())
        fewer.insert(fewer.end(), ops.begin() + static_cast<std::ptrdiff_t>(at + chunk), ops.end());
      if (!RunOnce(module, config, fewer, &done, nullptr).empty()) {
        fewer.resize(done);
        ops = std::move(fewer);
        removed = true;
      } else {
        at += chunk;
      }
    }
    if (!removed || chunk > ops.size()) chunk /= 2;
  }
  return ops;
}

int Report(Module* module, const Config& config, std::vector<Op> ops, const std::string& failure,
           std::size_t done, bool shrink) {
  std::printf("FAILED seed %llu: %s\n%s\n", static_cast<unsigned long long>(config.seed),
              failure.c_str(), Show(config).c_str());
  std::fflush(stdout);
  ops.resize(done);
  if (!shrink) return 1;
  ops = Shrink(module, config, std::move(ops));
  KeepKernelLog(true);
  TakeKernelLog();
  std::size_t ignored = 0;
  const std::string shortest = RunOnce(module, config, ops, &ignored, nullptr);
  std::printf("shortest trace found, %zu operations: %s\n", ops.size(), shortest.c_str());
  for (const Op& op : ops) std::printf("  %s\n", Show(op).c_str());
  std::printf("the target's log:\n%s", TakeKernelLog().c_str());
  return 1;
}

// Whether the first episode goes as it would after others, so that its seed alone says all of it.
bool GoesTheSameWayAgain(Module* module, const Options& o) {
  const Config config = DrawConfig(o.seed);
  const auto ops = DrawOps(config, o.seed, o.per_episode);
  std::uint64_t ended[2];
  for (std::uint64_t& end : ended) {
    std::size_t done = 0;
    (void)RunOnce(module, config, ops, &done, nullptr);
    end = World::Get().now();
  }
  return ended[0] == ended[1];
}

int Run(const Options& o) {
  Module module(o.module);
  if (!GoesTheSameWayAgain(&module, o)) {
    std::printf("FAILED: the same episode goes another way the second time\n");
    return 1;
  }
  Counts counts;
  std::uint64_t seed = o.seed;
  for (; counts.ops < o.ops; seed++) {
    current_seed = seed;
    const Config config = DrawConfig(seed);
    const auto ops = DrawOps(config, seed, o.per_episode);
    std::size_t done = 0;
    const std::string failure = RunOnce(&module, config, ops, &done, &counts);
    if (!failure.empty()) return Report(&module, config, ops, failure, done, o.shrink);
    if (done == 0) counts.ops++;  // refused at once: goes on all the same
  }
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "seeds %llu to %llu: %llu operations, %llu reads, %llu writes (%llu errors), %llu messages, "
      "%llu power cuts, "
      "%llu loads; nothing wrong\n",
      n(o.seed), n(seed - 1), n(counts.ops), n(counts.reads), n(counts.writes), n(counts.errors),
      n(counts.messages), n(counts.power_cuts), n(counts.boots));
  return 0;
}

}  // namespace
}  // namespace remapfleet::sim

// What the target leaves behind is counted; the tasks that a power cut drops leave things behind
// here.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

int main(int argc, char** argv) {
  using remapfleet::sim::current_seed;
  remapfleet::sim::Options o;
  for (int i = 1; i < argc; i++) {
    const std::string a = argv[i];
    if (a == "--no-shrink") {
      o.shrink = false;
    } else if (i + 1 < argc && a == "--module") {
      o.module = argv[++i];
    } else if (i + 1 < argc && a == "--seed") {
      o.seed = std::strtoull(argv[++i], nullptr, 0);
    } else if (i + 1 < argc && a == "--ops") {
      o.ops = std::strtoull(argv[++i], nullptr, 0);
    } else if (i + 1 < argc && a == "--per-episode") {
      o.per_episode = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 0));
    } else {
      std::fprintf(
          stderr,
          "usage: sim_check --module FILE [--seed N] [--ops N] [--per-episode N] [--no-shrink]\n");
      return 2;
    }
  }
  return remapfleet::sim::Run(o);
}
