#include "agent/fault_thread.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/faults/neighbours.h"

namespace remapfleet::agent {
namespace {

constexpr std::chrono::minutes kAlive{2};
constexpr std::size_t kEvents = 4096;
constexpr std::uint64_t kNeighbourhood = 2048;  // sectors: 1 MiB on each side
constexpr std::chrono::seconds kBetweenChecks{10};
// Errors of what is no drive of ours must not have /sys read for each of them.
constexpr std::chrono::seconds kBetweenRescans{10};
constexpr std::size_t kStrangers = 256;  // that many are remembered

// The tracepoint tells its time to the microsecond, the log only that it was just now.
std::chrono::milliseconds SlackOf(v1::IoError::Source source) {
  return source == v1::IoError::SOURCE_TRACEPOINT ? std::chrono::milliseconds(1)
                                                  : std::chrono::milliseconds(5000);
}

std::string Describe(const v1::IoError& error) {
  const char* operation = error.operation() == v1::IoError::OPERATION_WRITE  ? "write"
                          : error.operation() == v1::IoError::OPERATION_READ ? "read"
                                                                             : "flush or discard";
  if (!error.has_range()) return fmt::format("{} error of no place", operation);
  return fmt::format("{} error at LBA {}+{}", operation, error.range().first_sector(),
                     error.range().sector_count());
}

}  // namespace

FaultThread::FaultThread(DriveTable& drives, const RemapThread& remap, RecordSink& sink,
                         AgentState& state, const Clock& clock, OpenReads open_reads,
                         Heartbeats& heartbeats)
    : drives_(drives),
      remap_(remap),
      sink_(sink),
      state_(state),
      clock_(clock),
      open_reads_(std::move(open_reads)),
      heart_(heartbeats.Add("faults", kAlive)),
      events_(kEvents),
      checks_(1) {}

Result<std::unique_ptr<FaultThread>> FaultThread::Start(DriveTable& drives,
                                                        const RemapThread& remap, RecordSink& sink,
                                                        AgentState& state, const Clock& clock,
                                                        const StartErrorSource& start_source,
                                                        OpenReads open_reads,
                                                        Heartbeats& heartbeats) {
  std::unique_ptr<FaultThread> faults(
      new FaultThread(drives, remap, sink, state, clock, std::move(open_reads), heartbeats));
  FaultThread* raw = faults.get();
  auto source = start_source([raw](FaultEvent event) {
    // While there is no room, errors wait in the kernel's buffer; what does not fit there, it
    // counts.
    raw->events_.Push(std::move(event));
  });
  if (!source) return Fail(source.error());
  faults->source_ = std::move(*source);
  faults->thread_ = std::jthread([raw](std::stop_token stop) { raw->Run(stop); });
  faults->check_thread_ = std::jthread([raw](std::stop_token stop) { raw->RunChecks(stop); });
  return faults;
}

// What the source gave is reported before the end.
FaultThread::~FaultThread() {
  source_.reset();
  check_thread_.request_stop();
  checks_.Close();
  events_.Close();
  thread_.request_stop();
}

void FaultThread::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    heart_->Beat();
    const auto wake = std::chrono::steady_clock::now() + Heartbeats::kInterval;
    TakeNext(stop, std::min(wake, storm_.NextDue().value_or(wake)));
    Report(storm_.Flush(std::chrono::steady_clock::now()));
  }
  while (TakeNext({}, std::chrono::steady_clock::now())) {
  }
  Report(storm_.FlushAll());
}

bool FaultThread::TakeNext(std::stop_token stop, std::chrono::steady_clock::time_point deadline) {
  const auto event = events_.Pop(std::move(stop), deadline);
  if (event && std::holds_alternative<SeenError>(*event)) Take(std::get<SeenError>(*event));
  if (event && std::holds_alternative<LostEvents>(*event)) {
    ReportGap(std::get<LostEvents>(*event).count, "the kernel dropped error events");
  }
  return event.has_value();
}

// A drive that was plugged in since the last scan is found by another one.
std::optional<Drive> FaultThread::Find(const SeenError& seen) {
  const auto find = [&] {
    return seen.disk.empty() ? drives_.ByNumber(seen.error.major, seen.error.minor)
                             : drives_.ByName("/dev/" + seen.disk);
  };
  if (auto known = find()) return known;
  const auto now = std::chrono::steady_clock::now();
  if (next_rescan_.size() > kStrangers) next_rescan_.clear();
  auto& next = next_rescan_[fmt::format("{} {}:{}", seen.disk, seen.error.major, seen.error.minor)];
  if (now < next) return std::nullopt;
  next = now + kBetweenRescans;
  drives_.Rescan();
  return find();
}

void FaultThread::Take(const SeenError& seen) {
  const auto drive = Find(seen);
  // Not ours: a drive that the configuration does not name, or a remap device itself.
  if (!drive) return;
  v1::IoError error;
  error.set_drive_id(drive->identity.drive_id());
  if (seen.error.sectors != 0) {
    error.mutable_range()->set_first_sector(seen.error.sector);
    error.mutable_range()->set_sector_count(seen.error.sectors);
  }
  error.set_operation(seen.error.operation);
  error.set_errno_value(seen.error.errno_value);
  error.set_count(1);
  *error.mutable_time() = ToProto(seen.time);
  error.set_source(seen.source);
  error.set_provoked(
      error.operation() == v1::IoError::OPERATION_READ && error.has_range() &&
      own_reads_.Provoked(error.drive_id(), error.range(), seen.steady_time, SlackOf(seen.source)));
  Report(storm_.Add(error, std::chrono::steady_clock::now()));
  if (error.provoked()) return;
  state_.CountError(error.drive_id());
  Plan(error);
}

void FaultThread::Report(std::vector<v1::IoError> errors) {
  std::vector<v1::Record> records;
  for (v1::IoError& error : errors) {
    spdlog::info("{}: {}, errno {}, {} times{}", error.drive_id(), Describe(error),
                 error.errno_value(), error.count(),
                 error.provoked() ? ", met by the agent's own check" : "");
    v1::Record& record = records.emplace_back();
    *record.mutable_time() = error.time();
    *record.mutable_io_error() = std::move(error);
  }
  if (records.empty()) return;
  if (const auto stored = sink_.Append(std::move(records)); !stored) {
    spdlog::error("I/O errors cannot be stored: {}", stored.error().message());
  }
}

void FaultThread::ReportGap(std::uint64_t lost, const std::string& reason) {
  spdlog::warn("{}: {} lost", reason, lost);
  v1::Record record;
  *record.mutable_time() = ToProto(clock_.Now());
  record.mutable_gap()->set_lost_records(lost);
  record.mutable_gap()->set_reason(reason);
  if (const auto stored = sink_.Append({record}); !stored) {
    spdlog::error("the gap cannot be stored: {}", stored.error().message());
  }
}

// A check is a courtesy: if one is under way or was just made, the next error will ask again.
void FaultThread::Plan(const v1::IoError& error) {
  if (error.operation() != v1::IoError::OPERATION_READ || !error.has_range() || checking_) return;
  const auto now = std::chrono::steady_clock::now();
  auto& next = next_check_[error.drive_id()];
  if (now < next) return;
  v1::IoError copy = error;
  if (checks_.TryPush(std::move(copy))) next = now + kBetweenChecks;
}

void FaultThread::RunChecks(std::stop_token stop) {
  while (const auto error = checks_.Pop(stop)) {
    checking_ = true;
    Check(*error, stop);
    checking_ = false;
  }
}

void FaultThread::Check(const v1::IoError& error, std::stop_token stop) {
  for (const RemapThread::Live& live : remap_.LiveDevices()) {
    const v1::DriveIdentity& drive = live.layout.main.identity;
    if (drive.drive_id() != error.drive_id()) continue;
    const std::uint64_t begin = live.layout.data_offset;
    const std::uint64_t end = begin + live.layout.target_sectors;
    const std::uint64_t low = error.range().first_sector() > begin + kNeighbourhood
                                  ? error.range().first_sector() - kNeighbourhood
                                  : begin;
    NeighbourJob job{
        drive.drive_id(),
        drive.path(),
        low - (low - begin) % live.block_sectors,
        std::min(end, error.range().first_sector() + error.range().sector_count() + kNeighbourhood),
        live.block_sectors,
        live.not_clean};
    job.skip.push_back(error.range());
    const auto read = open_reads_(drive.path());
    if (!read) {
      spdlog::warn("{}: neighbours of LBA {} are not checked: {}", drive.drive_id(),
                   error.range().first_sector(), read.error().message());
      return;
    }
    const auto weak = CheckNeighbours(job, own_reads_.Noting(drive.drive_id(), *read), stop);
    spdlog::info("{}: {} weak blocks within 1 MiB of LBA {}", drive.drive_id(), weak.size(),
                 error.range().first_sector());
    std::vector<v1::Record> records;
    for (const v1::WeakBlock& block : weak) {
      v1::Record& record = records.emplace_back();
      *record.mutable_time() = block.time();
      *record.mutable_weak_block() = block;
    }
    if (records.empty()) continue;
    if (const auto stored = sink_.Append(std::move(records)); !stored) {
      spdlog::error("weak blocks cannot be stored: {}", stored.error().message());
    }
  }
}

}  // namespace remapfleet::agent
