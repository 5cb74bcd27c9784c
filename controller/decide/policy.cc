#include "controller/decide/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/decide/block_set.h"

namespace remapfleet {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

// The target's block as the node reported it; before that, what the target takes by default.
std::uint64_t BlockSectors(const DriveView& view) {
  const std::uint64_t bytes = view.status.block_bytes() != 0 ? view.status.block_bytes()
                                                             : view.drive.physical_block_bytes();
  return std::max<std::uint64_t>(bytes / kSectorBytes, 1);
}

BlockSet EmptySet(const DriveView& view) {
  return {view.spec.data_offset_sectors(), view.drive.size_bytes() / kSectorBytes,
          BlockSectors(view)};
}

// A range of the target, in sectors of the drive.
v1::SectorRange OnDrive(const DriveView& view, v1::SectorRange range) {
  range.set_first_sector(range.first_sector() + view.spec.data_offset_sectors());
  return range;
}

BlockSet PendingBlocks(const DriveView& view) {
  BlockSet pending = EmptySet(view);
  for (const auto& range : view.status.pending()) pending.Add(OnDrive(view, range));
  return pending;
}

bool Near(const v1::SectorRange& a, const v1::SectorRange& b, std::uint64_t sectors) {
  const std::uint64_t a_end = a.first_sector() + a.sector_count();
  const std::uint64_t b_end = b.first_sector() + b.sector_count();
  return a.first_sector() < b_end + sectors && b.first_sector() < a_end + sectors;
}

std::string Where(const v1::SectorRange& range) {
  return fmt::format("LBA {}+{}", range.first_sector(), range.sector_count());
}

std::string Describe(const v1::IoError& error) {
  const char* what = error.operation() == v1::IoError::OPERATION_WRITE ? "write" : "read";
  return fmt::format("{} error {}{}", what,
                     error.errno_value() == 61  ? "ENODATA"
                     : error.errno_value() == 5 ? "EIO"
                                                : fmt::format("errno {}", error.errno_value()),
                     error.count() > 1 ? fmt::format(", {} times", error.count()) : "");
}

std::string Describe(const v1::WeakBlock& weak) {
  if (!weak.readable()) return "unreadable beside an error";
  if (weak.failed_reads() > 0)
    return fmt::format("read after {} failures beside an error", weak.failed_reads());
  const auto ms = [](const google::protobuf::Duration& d) {
    return d.seconds() * 1000 + d.nanos() / 1'000'000;
  };
  return fmt::format("slow read beside an error: {} ms, usual below {} ms", ms(weak.latency()),
                     ms(weak.slow_threshold()));
}

// One kind of fact about one place, whatever record it came from.
struct Finding {
  v1::SectorRange range;
  v1::Evidence evidence;
  bool unreadable;  // as far as is known: the newest read of it failed
};

class Findings {
 public:
  Findings(const DriveView& view, const std::vector<v1::Record>& evidence, const Policy& policy)
      : view_(view), neighbourhood_(policy.weak_neighbourhood_bytes / kSectorBytes) {
    for (const v1::Record& record : evidence) {
      // A summary names no place, nor does a flush that failed.
      if (record.has_io_error() && !record.io_error().summary() && record.io_error().has_range()) {
        errors_.push_back(record.io_error());
      }
    }
    for (const v1::Record& record : evidence) {
      if (record.has_io_error()) AddError(record.io_error());
      if (record.has_weak_block()) AddWeak(record.weak_block());
      if (record.has_remap_status()) AddListed(record.remap_status());
    }
    std::sort(found_.begin(), found_.end(), [](const Finding& a, const Finding& b) {
      return std::tuple(a.range.first_sector(), a.range.sector_count(), a.evidence.what(),
                        a.evidence.time().seconds(), a.evidence.time().nanos()) <
             std::tuple(b.range.first_sector(), b.range.sector_count(), b.evidence.what(),
                        b.evidence.time().seconds(), b.evidence.time().nanos());
    });
  }
  const std::vector<Finding>& found() const { return found_; }

 private:
  void Add(const v1::SectorRange& range, std::string what, const google::protobuf::Timestamp& time,
           bool unreadable) {
    Finding finding{range, {}, unreadable};
    *finding.evidence.mutable_range() = range;
    finding.evidence.set_what(std::move(what));
    *finding.evidence.mutable_time() = time;
    found_.push_back(std::move(finding));
  }

  void AddError(const v1::IoError& error) {
    if (error.summary() || !error.has_range()) return;
    // A failed write was already taken to a slot by the target itself; nothing is left to copy.
    if (error.operation() != v1::IoError::OPERATION_READ) return;
    // A large request that failed names all of its sectors; the block-by-block retry then names the
    // bad ones.
    const bool narrower =
        std::any_of(errors_.begin(), errors_.end(), [&](const v1::IoError& other) {
          return other.operation() == v1::IoError::OPERATION_READ &&
                 Inside(other.range(), error.range()) &&
                 other.range().sector_count() < error.range().sector_count();
        });
    if (!narrower) Add(error.range(), Describe(error), error.time(), InOneBlock(error.range()));
  }

  void AddWeak(const v1::WeakBlock& weak) {
    if (weak.readable() && weak.failed_reads() == 0 && !Slow(weak)) return;
    const auto near = [&](const v1::IoError& error) {
      return Near(error.range(), weak.range(), neighbourhood_);
    };
    if (std::any_of(errors_.begin(), errors_.end(), near) ||
        std::any_of(view_.recent_errors.begin(), view_.recent_errors.end(), near)) {
      Add(weak.range(), Describe(weak), weak.time(), !weak.readable());
    }
  }

  // Blocks that the target lists as pending, and still does, without an error that says why: the
  // agent was away when it happened.
  void AddListed(const v1::RemapStatus& listed) {
    BlockSet still = PendingBlocks(view_);
    for (const v1::SectorRange& range : listed.pending()) {
      for (const auto& part : still.TakeTouched(OnDrive(view_, range)).Ranges()) {
        const bool explained =
            std::any_of(errors_.begin(), errors_.end(),
                        [&](const v1::IoError& error) { return Near(error.range(), part, 0); });
        if (!explained) Add(part, "listed as pending by the target", listed.time(), true);
      }
    }
  }

  // Which of several blocks failed, nobody can tell.
  bool InOneBlock(const v1::SectorRange& range) const {
    BlockSet blocks = EmptySet(view_);
    blocks.Add(range);
    return blocks.size() == 1;
  }

  static bool Slow(const v1::WeakBlock& weak) {
    return std::pair(weak.latency().seconds(), weak.latency().nanos()) >
           std::pair(weak.slow_threshold().seconds(), weak.slow_threshold().nanos());
  }
  static bool Inside(const v1::SectorRange& inner, const v1::SectorRange& outer) {
    return inner.first_sector() >= outer.first_sector() &&
           inner.first_sector() + inner.sector_count() <=
               outer.first_sector() + outer.sector_count();
  }

  const DriveView& view_;
  const std::uint64_t neighbourhood_;
  std::vector<v1::IoError> errors_;
  std::vector<Finding> found_;
};

// Leaves out what is desired already or what a plan is about; a plan that failed may be tried
// again.
void RemoveCovered(const DriveView& view, BlockSet& blocks) {
  for (const auto& range : view.spec.remap_ranges()) blocks.Remove(range);
  for (const v1::Plan& plan : view.plans) {
    for (const auto& range : plan.ranges()) blocks.Remove(range);
  }
}

Decision MakePlan(const DriveView& view, v1::Plan::Action action, const BlockSet& blocks) {
  Decision decision;
  decision.block_count = static_cast<std::int64_t>(blocks.size());
  v1::Plan& plan = decision.plan;
  plan.set_host_id(view.host_id);
  plan.set_drive_id(view.drive.drive_id());
  plan.set_device_name(view.spec.device_name());
  plan.set_action(action);
  for (const v1::SectorRange& range : blocks.Ranges()) *plan.add_ranges() = range;
  return decision;
}

// Lets the plan go, or has it wait for a person.
void Guard(const DriveView& view, const Policy& policy, std::int64_t planned, Decision& decision) {
  v1::Plan& plan = decision.plan;
  const std::int64_t total = view.auto_blocks_in_last_day + planned + decision.block_count;
  if (total <= policy.auto_blocks_per_day) {
    plan.set_state(v1::Plan::STATE_APPROVED);
    plan.set_decided_by("policy");
    return;
  }
  plan.set_state(v1::Plan::STATE_AWAITING_APPROVAL);
  plan.set_reason(
      fmt::format("{}; waits for approval: {} blocks in 24 hours would pass the policy's {}",
                  plan.reason(), total, policy.auto_blocks_per_day));
}

}  // namespace

std::vector<Decision> Decide(const DriveView& view, const std::vector<v1::Record>& evidence,
                             const Policy& policy) {
  std::vector<Decision> decisions;
  const Findings findings(view, evidence, policy);
  BlockSet blocks = EmptySet(view);
  for (const Finding& finding : findings.found()) blocks.Add(finding.range);
  RemoveCovered(view, blocks);

  BlockSet on_write = EmptySet(view);
  for (const auto& range : PendingBlocks(view).Ranges()) {
    for (const auto& taken : blocks.TakeTouched(range).Ranges()) on_write.Add(taken);
  }
  // The target lists a block as pending only after its own retries: its list may be older than the
  // error.
  for (const Finding& finding : findings.found()) {
    if (!finding.unreadable) continue;
    for (const auto& taken : blocks.TakeTouched(finding.range).Ranges()) on_write.Add(taken);
  }
  std::int64_t planned = 0;
  for (const auto& [action, set] : {std::pair(v1::Plan::ACTION_REMAP_ON_WRITE, &on_write),
                                    std::pair(v1::Plan::ACTION_PROACTIVE_COPY, &blocks)}) {
    if (set->empty()) continue;
    Decision decision = MakePlan(view, action, *set);
    v1::Plan& plan = decision.plan;
    plan.set_created_by("policy");
    for (const Finding& finding : findings.found()) {
      if (set->Touches(finding.range)) *plan.add_evidence() = finding.evidence;
    }
    plan.set_reason(fmt::format(
        "{} at {}{}", plan.evidence(0).what(), Where(plan.evidence(0).range()),
        plan.evidence_size() > 1 ? fmt::format(" and {} more", plan.evidence_size() - 1) : ""));
    Guard(view, policy, planned, decision);
    if (plan.state() == v1::Plan::STATE_APPROVED) planned += decision.block_count;
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

GuardedPlan DecideManual(const DriveView& view, v1::Plan::Action action,
                         const std::vector<v1::SectorRange>& ranges, const Policy& policy) {
  GuardedPlan guarded;
  if (view.status.block_bytes() == 0) {
    guarded.refusal =
        "the node has not reported this remap device's state yet; try again when it has";
    return guarded;
  }
  const std::uint64_t start = view.spec.data_offset_sectors();
  const std::uint64_t end = view.drive.size_bytes() / kSectorBytes;
  BlockSet blocks = EmptySet(view);
  for (const v1::SectorRange& range : ranges) {
    if (range.sector_count() == 0 || range.first_sector() < start || range.first_sector() >= end ||
        range.sector_count() > end - range.first_sector()) {
      guarded.refusal = fmt::format("{} is not inside the device, which covers LBA {} to {}",
                                    Where(range), start, end - 1);
      return guarded;
    }
    blocks.Add(range);
  }
  guarded.decision = MakePlan(view, action, blocks);
  Guard(view, policy, 0, guarded.decision);
  return guarded;
}

}  // namespace remapfleet
