#include "agent/faults/own_reads.h"

#include <algorithm>
#include <utility>

namespace remapfleet::agent {
namespace {

// An error is seen by another thread than the one that reads: it may come this much later.
constexpr std::chrono::seconds kKeep{30};
constexpr std::size_t kMaxKept = 1024;

}  // namespace

TimedRead OwnReads::Noting(const std::string& drive_id, TimedRead read) {
  return [this, drive_id, read = std::move(read)](std::uint64_t sector, std::uint64_t sectors) {
    Begin({drive_id, sector, sector + sectors, std::chrono::steady_clock::now(), Time::max()});
    const auto latency = read(sector, sectors);
    Finish(!latency, std::chrono::steady_clock::now());
    return latency;
  };
}

// One thread reads at a time: the newest is the one that runs.
void OwnReads::Begin(Own own) {
  const std::lock_guard lock(mutex_);
  std::erase_if(reads_, [&](const Own& old) {
    return old.finish != Time::max() && own.begin - old.finish > kKeep;
  });
  if (reads_.size() >= kMaxKept) reads_.pop_front();
  reads_.push_back(std::move(own));
}

void OwnReads::Finish(bool failed, Time now) {
  const std::lock_guard lock(mutex_);
  if (failed) {
    reads_.back().finish = now;
  } else {
    reads_.pop_back();  // it met no error
  }
}

bool OwnReads::Provoked(const std::string& drive_id, const v1::SectorRange& range, Time time,
                        std::chrono::milliseconds slack) const {
  const std::uint64_t first = range.first_sector();
  const std::uint64_t end = first + range.sector_count();
  const std::lock_guard lock(mutex_);
  return std::any_of(reads_.begin(), reads_.end(), [&](const Own& own) {
    return own.drive_id == drive_id && first >= own.first && end <= own.end &&
           time >= own.begin - slack && (own.finish == Time::max() || time <= own.finish + slack);
  });
}

}  // namespace remapfleet::agent
