// How long the target's map() looks for a block: the module's own code, -O2 as the kernel compiles
// it. Queries depend on the answer before, so that what is measured is how long one takes, not how
// many overlap.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "map.h"

namespace {

constexpr u64 kBlocks = 1ull << 28;  // 1 TiB of 4 KiB blocks
constexpr size_t kQueries = 1 << 18;

struct Free {
  void operator()(void* memory) const { free(memory); }
};

// A map of n blocks scattered at random, and the same in a hash table.
class Layout {
 public:
  explicit Layout(u64 n) : memory_(rm_map_bytes(std::max<u64>(n, 1), kBlocks) / 8 + 1) {
    std::mt19937_64 rng(n);
    std::unordered_set<u64> chosen;
    while (chosen.size() < n) {
      const u64 block = rng() % kBlocks;
      if (chosen.insert(block).second) blocks_.push_back(block);
    }
    Fill(rm_map_init(memory_.data(), std::max<u64>(n, 1), kBlocks));
    hash_.reserve(n);
    for (u32 slot = 0; slot < n; slot++) hash_[blocks_[slot]] = slot;
  }

  const rm_map* map() const { return map_; }
  const std::unordered_map<u64, u32>& hash() const { return hash_; }
  const std::vector<u64>& blocks() const { return blocks_; }  // in no order

 private:
  static u32 Either(void*, u32 a, u32) { return a; }

  void Fill(rm_map* map) {
    std::vector<u32> count(rm_map_groups(map));
    for (u64 block : blocks_) count[rm_map_group_of(map, block)]++;
    for (u32 s = 0; s < map->n_segs; s++) {
      const u32 n = rm_map_counted(count.data(), s);
      segments_.emplace_back(malloc(rm_seg_bytes(n)));
      rm_map_lay_out(map, s, static_cast<rm_seg*>(segments_.back().get()), count.data());
    }
    for (u32 slot = 0; slot < blocks_.size(); slot++) {
      rm_map_place(map, count.data(), blocks_[slot], slot);
    }
    for (u32 s = 0; s < map->n_segs; s++) rm_map_finish(map, s, Either, nullptr);
    map_ = map;
  }

  std::vector<u64> memory_;
  std::vector<std::unique_ptr<void, Free>> segments_;
  std::vector<u64> blocks_;
  std::unordered_map<u64, u32> hash_;
  const rm_map* map_ = nullptr;
};

const Layout& Of(u64 n) {
  static std::unordered_map<u64, std::unique_ptr<Layout>> made;
  auto& layout = made[n];
  if (!layout) layout = std::make_unique<Layout>(n);
  return *layout;
}

std::vector<u64> Misses(const Layout& layout) {
  std::mt19937_64 rng(7);
  std::vector<u64> queries;
  while (queries.size() < kQueries) {
    const u64 block = rng() % kBlocks;
    if (!layout.hash().contains(block)) queries.push_back(block);
  }
  return queries;
}

std::vector<u64> UniformHits(const Layout& layout) {
  std::mt19937_64 rng(8);
  std::vector<u64> queries(kQueries);
  for (u64& q : queries) q = layout.blocks()[rng() % layout.blocks().size()];
  return queries;
}

// The blocks are in no order, so the popular ones are anywhere.
std::vector<u64> ZipfHits(const Layout& layout, double exponent) {
  std::vector<double> sum;
  double total = 0;
  for (size_t rank = 1; rank <= layout.blocks().size(); rank++) {
    sum.push_back(total += std::pow(static_cast<double>(rank), -exponent));
  }
  std::mt19937_64 rng(9);
  std::uniform_real_distribution<double> any(0, total);
  std::vector<u64> queries(kQueries);
  for (u64& q : queries) {
    const auto at = std::lower_bound(sum.begin(), sum.end(), any(rng)) - sum.begin();
    q = layout.blocks()[std::min(static_cast<size_t>(at), sum.size() - 1)];
  }
  return queries;
}

// Runs @look on each query plus what is always 0 but takes the last answer to know.
template <typename Look>
void Run(benchmark::State& state, const std::vector<u64>& queries, Look look) {
  volatile u64 zero = 0;
  const u64 mask = zero;
  u64 answer = 0;
  size_t i = 0;
  for (auto _ : state) {
    answer = look(queries[i++ & (kQueries - 1)] + (answer & mask));
    benchmark::DoNotOptimize(answer);
  }
}

void Ours(benchmark::State& state, const rm_map* map, u64 slots, const std::vector<u64>& queries) {
  const unsigned bits = rm_cache_bits(slots);
  const std::unique_ptr<void, Free> memory(aligned_alloc(64, sizeof(rm_cache_set) << bits));
  auto* const sets = static_cast<rm_cache_set*>(memory.get());
  std::fill_n(sets, size_t{1} << bits, rm_cache_set{});
  u64 hits = 0, asked = 0;
  Run(state, queries, [&](u64 block) -> u64 {
    rm_extent run;
    bool cached;
    if (!map || !rm_map_may_hold(map, block, block) ||
        !rm_map_find_cached(map, sets, bits, block, &run, &cached)) {
      return RM_SPECIAL;
    }
    asked++;
    hits += cached;
    return run.slot;
  });
  if (asked) state.counters["hits"] = static_cast<double>(hits) / static_cast<double>(asked);
}

void Hash(benchmark::State& state, const Layout& layout, const std::vector<u64>& queries) {
  state.SetLabel("unordered_map");
  Run(state, queries, [&](u64 block) -> u64 {
    const auto it = layout.hash().find(block);
    return it == layout.hash().end() ? RM_SPECIAL : it->second;
  });
}

// What share of such queries would find their block if the cache always held the most popular ones.
double BestHitRate(u64 n, double exponent) {
  const u64 places = u64{RM_CACHE_WAYS} << rm_cache_bits(n);
  double held = 0, total = 0;
  for (u64 rank = 1; rank <= n; rank++) {
    total += std::pow(static_cast<double>(rank), -exponent);
    if (rank <= places) held = total;
  }
  return held / total;
}

void Both(const std::string& name, u64 n,
          const std::function<std::vector<u64>(const Layout&)>& queries, double best = 0) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    Ours(state, n ? Of(n).map() : nullptr, n, queries(Of(n)));
    if (best != 0) state.counters["best_hits"] = best;
  });
  benchmark::RegisterBenchmark(("peer/" + name).c_str(), [=](benchmark::State& state) {
    Hash(state, Of(n), queries(Of(n)));
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  Both("empty", 0, Misses);
  for (u64 n : {64ull, 2048ull, 8192ull, 65536ull, 1048576ull}) {
    const std::string size = std::to_string(n);
    Both("miss_" + size, n, Misses);
    for (const auto& [name, exponent] : {std::pair("hit_zipf_", 0.99), {"hit_zipf_1.1_", 1.1}}) {
      Both(
          name + size, n, [e = exponent](const Layout& layout) { return ZipfHits(layout, e); },
          BestHitRate(n, exponent));
    }
    Both("hit_uniform_" + size, n, UniformHits);
  }
  benchmark::RunSpecifiedBenchmarks();
}
