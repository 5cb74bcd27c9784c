#include "agent/faults/error_source.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "agent/posix/files.h"
#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

constexpr char kTracing[] = "/sys/kernel/tracing";
constexpr char kInstance[] = "/sys/kernel/tracing/instances/remapfleet";

Result<UniqueFd> OpenTrace() {
  struct stat info {};
  if (stat((std::string(kTracing) + "/instances").c_str(), &info) != 0 &&
      mount("tracefs", kTracing, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return Fail(Error::FromErrno(errno, "mounting tracefs"));
  }
  const std::string instance = kInstance;
  if (mkdir(instance.c_str(), 0700) != 0 && errno != EEXIST) {
    return Fail(Error::FromErrno(errno, instance));
  }
  // The monotonic clock can be turned into the time of day; the default clock cannot.
  for (const auto& [file, value] :
       {std::pair("/trace_clock", "mono"), std::pair("/events/block/block_rq_error/enable", "1"),
        std::pair("/tracing_on", "1")}) {
    const Status written = WriteKernelFile(instance + file, value);
    if (!written) return Fail(written.error());
  }
  UniqueFd pipe(open((instance + "/trace_pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!pipe) return Fail(Error::FromErrno(errno, instance + "/trace_pipe"));
  return pipe;
}

Result<UniqueFd> OpenLog() {
  UniqueFd log(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!log) return Fail(Error::FromErrno(errno, "/dev/kmsg"));
  // What is old was seen by an earlier run, or is before our time.
  lseek(log.get(), 0, SEEK_END);
  return log;
}

using std::chrono::steady_clock;

// The event's clock is the one that steady_clock reads. 0: not known, so it is now.
steady_clock::time_point SteadyTime(std::uint64_t micros) {
  const steady_clock::time_point time{std::chrono::microseconds(micros)};
  return micros != 0 ? std::min(time, steady_clock::now()) : steady_clock::now();
}

TimePoint ToWallClock(steady_clock::time_point time) {
  const auto age =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - time);
  return SystemClock().Now() - age;
}

class KernelErrors final : public ErrorSource {
 public:
  KernelErrors(UniqueFd input, v1::IoError::Source source, Handler handler)
      : input_(std::move(input)),
        stop_(eventfd(0, EFD_CLOEXEC)),
        source_(source),
        handler_(std::move(handler)),
        thread_([this] { Run(); }) {}
  ~KernelErrors() override {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void Run();
  void TakeTrace(std::string_view text);
  void TakeLog(std::string_view record);

  const UniqueFd input_;
  const UniqueFd stop_;
  const v1::IoError::Source source_;
  const Handler handler_;
  std::string partial_;  // of a trace line
  std::jthread thread_;
};

void KernelErrors::Run() {
  std::array<pollfd, 2> fds = {{{input_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  std::array<char, 8192> buffer{};
  while (fds[1].revents == 0) {
    const ssize_t got = read(input_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
      source_ == v1::IoError::SOURCE_TRACEPOINT ? TakeTrace(text) : TakeLog(text);
      // A storm must not keep us from seeing the stop.
      poll(&fds[1], 1, 0);
      continue;
    }
    if (got < 0 && errno == EPIPE) {
      // The log was overwritten before we could read it.
      handler_(LostEvents{0});
      continue;
    }
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
      spdlog::error("I/O errors are not seen any more: {}",
                    Error::FromErrno(errno, "reading the kernel's events").message());
      handler_(LostEvents{0});
      return;
    }
    poll(fds.data(), fds.size(), -1);
  }
}

void KernelErrors::TakeTrace(std::string_view text) {
  partial_ += text;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const std::string_view line = std::string_view(partial_).substr(begin, end - begin);
    if (const auto error = ParseTraceLine(line)) {
      const auto time = SteadyTime(error->monotonic_us);
      handler_(SeenError{*error, "", ToWallClock(time), time, source_});
    } else if (const std::uint64_t lost = ParseLostEvents(line)) {
      handler_(LostEvents{lost});
    }
  }
  partial_.erase(0, begin);
}

void KernelErrors::TakeLog(std::string_view record) {
  if (const auto logged = ParseLogRecord(record)) {
    handler_(SeenError{logged->error, std::string(logged->disk), SystemClock().Now(),
                       steady_clock::now(), source_});
  }
}

}  // namespace

Result<std::unique_ptr<ErrorSource>> StartKernelErrors(ErrorSource::Handler handler) {
  auto trace = OpenTrace();
  if (trace) {
    return std::make_unique<KernelErrors>(std::move(*trace), v1::IoError::SOURCE_TRACEPOINT,
                                          std::move(handler));
  }
  spdlog::warn("no block tracepoint ({}): using the kernel log", trace.error().message());
  auto log = OpenLog();
  if (!log) return Fail(std::move(log.error()).Because("no source of I/O errors"));
  return std::make_unique<KernelErrors>(std::move(*log), v1::IoError::SOURCE_KERNEL_LOG,
                                        std::move(handler));
}

}  // namespace remapfleet::agent
