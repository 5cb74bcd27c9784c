#include "agent/faults/neighbours.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "agent/posix/unique_fd.h"
#include "support/clock.h"

namespace remapfleet::agent {
namespace {

using std::chrono::microseconds;

constexpr microseconds kSlow{50'000};
constexpr int kSlowFactor = 8;
constexpr unsigned kRetries = 3;
constexpr std::size_t kMaxReports = 64;
constexpr std::chrono::seconds kLimit{20};
constexpr std::size_t kMaxBlockBytes = 64 * 512;

struct FirstRead {
  std::uint64_t sector;
  std::optional<microseconds> latency;
};

bool Skipped(const NeighbourJob& job, std::uint64_t sector) {
  return std::any_of(job.skip.begin(), job.skip.end(), [&](const v1::SectorRange& range) {
    return sector < range.first_sector() + range.sector_count() &&
           range.first_sector() < sector + job.block_sectors;
  });
}

microseconds Threshold(const std::vector<FirstRead>& reads) {
  std::vector<microseconds> good;
  for (const FirstRead& read : reads) {
    if (read.latency) good.push_back(*read.latency);
  }
  if (good.empty()) return kSlow;
  std::nth_element(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(good.size() / 2),
                   good.end());
  return std::max(kSlow, good[good.size() / 2] * kSlowFactor);
}

void SetDuration(microseconds time, google::protobuf::Duration& duration) {
  duration.set_seconds(time.count() / 1'000'000);
  duration.set_nanos(static_cast<int>(time.count() % 1'000'000 * 1000));
}

v1::WeakBlock MakeReport(const NeighbourJob& job, std::uint64_t sector, microseconds threshold) {
  v1::WeakBlock weak;
  weak.set_drive_id(job.drive_id);
  weak.mutable_range()->set_first_sector(sector);
  weak.mutable_range()->set_sector_count(std::min(job.block_sectors, job.end_sector - sector));
  SetDuration(threshold, *weak.mutable_slow_threshold());
  *weak.mutable_time() = ToProto(SystemClock().Now());
  return weak;
}

// Looks again at a block whose first read failed or was slow; nothing if it was only unlucky.
std::optional<v1::WeakBlock> Confirm(const NeighbourJob& job, const FirstRead& first,
                                     microseconds threshold, const TimedRead& read) {
  v1::WeakBlock weak = MakeReport(job, first.sector, threshold);
  if (first.latency) {
    const auto again = read(first.sector, weak.range().sector_count());
    if (again && *again <= threshold) return std::nullopt;
    weak.set_readable(true);
    weak.set_failed_reads(again ? 0 : 1);
    SetDuration(std::max(*first.latency, again.value_or(microseconds(0))), *weak.mutable_latency());
    return weak;
  }
  weak.set_failed_reads(1);
  for (unsigned retry = 0; retry < kRetries && !weak.readable(); ++retry) {
    if (const auto again = read(first.sector, weak.range().sector_count())) {
      weak.set_readable(true);
      SetDuration(*again, *weak.mutable_latency());
    } else {
      weak.set_failed_reads(weak.failed_reads() + 1);
    }
  }
  return weak;
}

}  // namespace

std::vector<v1::WeakBlock> CheckNeighbours(const NeighbourJob& job, const TimedRead& read,
                                           std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  const auto over = [&] {
    return stop.stop_requested() || std::chrono::steady_clock::now() > deadline;
  };
  std::vector<FirstRead> reads;
  for (std::uint64_t sector = job.begin_sector; sector < job.end_sector && !over();
       sector += job.block_sectors) {
    if (Skipped(job, sector)) continue;
    reads.push_back({sector, read(sector, std::min(job.block_sectors, job.end_sector - sector))});
  }
  const microseconds threshold = Threshold(reads);
  std::vector<v1::WeakBlock> weak;
  for (const FirstRead& first : reads) {
    if (first.latency && *first.latency <= threshold) continue;
    if (weak.size() >= kMaxReports || over()) break;
    if (auto confirmed = Confirm(job, first, threshold, read))
      weak.push_back(std::move(*confirmed));
  }
  return weak;
}

Result<TimedRead> OpenForTimedReads(const std::string& path) {
  auto fd = std::make_shared<UniqueFd>(open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  if (!*fd) return Fail(Error::FromErrno(errno, path));
  // ioprio_set has no wrapper: IOPRIO_WHO_PROCESS, this thread, class idle (3).
  constexpr int kWhoProcess = 1;
  constexpr int kClassIdle = 3 << 13;
  syscall(SYS_ioprio_set, kWhoProcess, 0, kClassIdle);
  const std::shared_ptr<void> buffer(std::aligned_alloc(4096, kMaxBlockBytes), &std::free);
  return TimedRead(
      [fd, buffer](std::uint64_t sector, std::uint64_t sectors) -> std::optional<microseconds> {
        const auto begin = std::chrono::steady_clock::now();
        const auto bytes = static_cast<ssize_t>(sectors * 512);
        if (pread(fd->get(), buffer.get(), static_cast<std::size_t>(bytes),
                  static_cast<off_t>(sector * 512)) != bytes) {
          return std::nullopt;
        }
        return std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
      });
}

}  // namespace remapfleet::agent
