// A disk's `stat` in sysfs, and the target's answer to `histogram`.
#include <cstdint>
#include <string>
#include <utility>

#include "agent/faults/block_stat.h"
#include "agent/faults/target_histogram.h"
#include "tests/fuzz/require.h"

namespace remapfleet::agent {
namespace {

void TryStat(const std::string& text) {
  const auto stat = ParseBlockStat(text);
  if (!stat) return Require(!stat.error().message().empty());
  const BlockStat none;
  for (const auto& [before, now] : {std::pair{none, *stat}, {*stat, *stat}, {*stat, none}}) {
    const BlockWork work = WorkBetween(before, now, std::chrono::seconds(10));
    Require(!work.utilisation || (*work.utilisation >= 0 && *work.utilisation <= 1));
    Require(!work.mean_read || work.mean_read->count() >= 0);
    Require(!work.mean_write || work.mean_write->count() >= 0);
    // how long something took that was not done
    Require(!work.mean_read || work.reads.value_or(0) != 0);
    Require(!work.mean_write || work.writes.value_or(0) != 0);
  }
}

void TryHistogram(const std::string& text) {
  const auto reply = ParseTargetHistogram(text);
  if (!reply) return Require(!reply.error().message().empty());
  if (!*reply) return;
  const TargetHistogram& histogram = **reply;
  Require(CountedBetween(histogram, histogram).empty());
  TargetHistogram reset = histogram;
  for (auto& [kind, counts] : reset.counts)
    for (auto& count : counts) count = 0;
  for (const auto& counted : CountedBetween(reset, histogram)) {
    const auto& counts = histogram.counts.at(counted.kind());
    for (int i = 0; i < counted.counts_size(); i++)
      Require(counted.counts(i) == counts.at(static_cast<std::size_t>(i)));
  }
}

}  // namespace
}  // namespace remapfleet::agent

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0)
    remapfleet::agent::TryStat(text);
  else
    remapfleet::agent::TryHistogram(text);
  return 0;
}
