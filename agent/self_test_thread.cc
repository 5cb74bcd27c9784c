#include "agent/self_test_thread.h"

#include <spdlog/spdlog.h>

#include <ctime>
#include <set>
#include <vector>

namespace remapfleet::agent {
namespace {

constexpr std::chrono::minutes kAlive{2};

LocalTime ToLocal(TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  std::tm local{};
  localtime_r(&seconds, &local);
  return LocalTime(time.time_since_epoch() + std::chrono::seconds(local.tm_gmtoff));
}

}  // namespace

struct SelfTestThread::Shared {
  struct Answer {
    std::string drive_id;
    SelfTestKind kind;
    Status status;
  };
  std::mutex mutex;
  std::condition_variable_any changed;
  std::map<std::string, std::pair<Drive, v1::DriveHealth>> news;  // the newest, by drive
  std::vector<Answer> answers;
  std::set<std::string> asked;  // drives that have not answered an order
};

SelfTestThread::SelfTestThread(SelfTestPlan plan, std::shared_ptr<SelfTestStarter> starter,
                               EnclosureOf enclosure_of, RecordSink& sink, const Clock& clock,
                               Heartbeats& heartbeats, OnBadPlace on_bad_place)
    : plan_(plan),
      starter_(std::move(starter)),
      enclosure_of_(std::move(enclosure_of)),
      sink_(sink),
      clock_(clock),
      on_bad_place_(std::move(on_bad_place)),
      heart_(heartbeats.Add("self-tests", kAlive)),
      since_(ToLocal(clock.Now())),
      shared_(std::make_shared<Shared>()),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

SelfTestThread::~SelfTestThread() = default;

void SelfTestThread::Take(const Drive& drive, const v1::DriveHealth& health) {
  const std::lock_guard lock(shared_->mutex);
  shared_->news.insert_or_assign(health.drive().drive_id(), std::pair(drive, health));
  shared_->changed.notify_all();
}

void SelfTestThread::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    heart_->Beat();
    TakeNews();
    TakeAnswers();
    StartDue();
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, stop, Heartbeats::kInterval, [this] {
      return !shared_->news.empty() || !shared_->answers.empty();
    });
  }
}

void SelfTestThread::TakeNews() {
  std::map<std::string, std::pair<Drive, v1::DriveHealth>> news;
  {
    const std::lock_guard lock(shared_->mutex);
    news.swap(shared_->news);
  }
  for (const auto& [id, entry] : news) {
    const auto& [drive, health] = entry;
    const auto bad = book_.Take(drive, enclosure_of_(drive), health, clock_.Now());
    if (bad) Report(*bad);
  }
}

void SelfTestThread::TakeAnswers() {
  std::vector<Shared::Answer> answers;
  {
    const std::lock_guard lock(shared_->mutex);
    answers.swap(shared_->answers);
  }
  for (const auto& [id, kind, status] : answers) {
    if (status) {
      ++started_;
      spdlog::info("{}: {} self-test started", id, NameOf(kind));
      continue;
    }
    ++refused_;
    spdlog::warn("{}: {} self-test not started: {}", id, NameOf(kind), status.error().message());
    book_.Refused(id, clock_.Now());
  }
}

void SelfTestThread::StartDue() {
  const TimePoint now = clock_.Now();
  std::vector<SelfTestCandidate> candidates = book_.Candidates(now);
  {
    const std::lock_guard lock(shared_->mutex);
    for (SelfTestCandidate& drive : candidates) {
      drive.running |= shared_->asked.contains(drive.drive_id);
    }
  }
  for (const SelfTestStart& start : ChooseSelfTests(plan_, candidates, since_, ToLocal(now))) {
    const auto drive = book_.Find(start.drive_id);
    if (!drive) continue;
    book_.Order(start.drive_id, now);
    Order(*drive, start);
  }
}

// The thread owns what it uses: one that the kernel holds may outlive everything else.
void SelfTestThread::Order(const Drive& drive, const SelfTestStart& start) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->asked.insert(start.drive_id);
  }
  std::thread([shared = shared_, starter = starter_, drive, start] {
    Status status = starter->Start(drive, start.kind);
    const std::lock_guard lock(shared->mutex);
    shared->asked.erase(start.drive_id);
    shared->answers.push_back({start.drive_id, start.kind, std::move(status)});
    shared->changed.notify_all();
  }).detach();
}

void SelfTestThread::Report(const v1::IoError& error) {
  spdlog::warn("{}: a self-test could not read LBA {}", error.drive_id(),
               error.range().first_sector());
  v1::Record record;
  *record.mutable_time() = error.time();
  *record.mutable_io_error() = error;
  if (const auto stored = sink_.Append({record}); !stored) {
    spdlog::error("what a self-test found cannot be stored: {}", stored.error().message());
  }
  if (on_bad_place_) on_bad_place_(error);
}

}  // namespace remapfleet::agent
