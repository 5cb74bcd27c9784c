#include "controller/predict/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace remapfleet {
namespace {

// Weight of a count: `first` for one, towards `most` as it doubles. first <= most < 1.
double Weight(std::uint64_t count, double first, double most) {
  if (count == 0) return 0;
  const double doublings = std::log2(static_cast<double>(count));
  return most - (most - first) * std::pow(0.7, doublings);
}

class Scorer {
 public:
  void Count(std::optional<std::uint64_t> count, double first, double most, const char* what) {
    if (!count || *count == 0) return;
    Add(Weight(*count, first, most), fmt::format("{}: {}", what, *count));
  }
  void Add(double weight, std::string reason) {
    // Independent causes: the drive is well only if none of them holds.
    healthy_ *= 1 - weight;
    reasons_.emplace_back(weight, std::move(reason));
  }
  v1::Risk Finish() {
    v1::Risk risk;
    risk.set_model(kRulesModel);
    risk.set_score(1 - healthy_);
    std::stable_sort(reasons_.begin(), reasons_.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [weight, reason] : reasons_) risk.add_reasons(reason);
    return risk;
  }

 private:
  double healthy_ = 1;
  std::vector<std::pair<double, std::string>> reasons_;
};

}  // namespace

// The attributes are the five that Backblaze reports as telling failed drives from healthy ones (5,
// 187, 197, 198; 188 is packed differently by vendors and left out). The weights are ours: an
// unreadable sector seen by the host outweighs a counter, growth outweighs a level, because old
// reallocations on a stable drive say little.
v1::Risk ScoreByRules(const DriveFeatures& f) {
  Scorer scorer;
  if (f.smart_passed && !*f.smart_passed) scorer.Add(0.9, "the drive's own verdict is FAILED");
  scorer.Count(f.read_errors, 0.5, 0.95, "read errors in 24 hours");
  scorer.Count(f.write_errors, 0.5, 0.95, "write errors in 24 hours");
  scorer.Count(f.target_lost, 0.5, 0.95, "blocks lost");
  scorer.Count(f.target_pending, 0.4, 0.9, "blocks pending");
  scorer.Count(f.pending_sectors, 0.4, 0.9, "pending sectors (197)");
  scorer.Count(f.pending_day, 0.3, 0.8, "new pending sectors in a day");
  scorer.Count(f.weak_blocks, 0.2, 0.7, "slow or retried blocks in 24 hours");
  scorer.Count(f.reported_week, 0.3, 0.8, "new reported uncorrectable errors (187) in a week");
  scorer.Count(f.reported_uncorrectable_errors, 0.2, 0.6, "reported uncorrectable errors (187)");
  scorer.Count(f.offline_uncorrectable_sectors, 0.3, 0.8, "offline uncorrectable sectors (198)");
  scorer.Count(f.reallocated_day, 0.3, 0.8, "newly reallocated sectors in a day");
  scorer.Count(f.reallocated_week, 0.2, 0.7, "newly reallocated sectors in a week");
  scorer.Count(f.reallocated_sectors, 0.05, 0.4, "reallocated sectors (5)");
  scorer.Count(f.target_remaps, 0.1, 0.5, "blocks on spare slots");
  return scorer.Finish();
}

}  // namespace remapfleet
