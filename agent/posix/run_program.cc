#include "agent/posix/run_program.h"

// glibc 2.36 does not say that it is C.
// clang-format off
extern "C" {
#include <sys/pidfd.h>
}
// clang-format on
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "agent/posix/unique_fd.h"

namespace remapfleet::agent {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kErrorBytes = 4096;
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Fail(Error::FromErrno(errno, "a pipe"));
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<pid_t> Spawn(const std::vector<std::string>& arguments, int out, int errors) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string locale = "LC_ALL=C";
  std::array<char*, 3> environment = {path.data(), locale.data(), nullptr};

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // The agent's threads block the signals that the agent waits for: the program must not.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return Fail(Error::FromErrno(error, arguments.front()));
  return pid;
}

// One running program.
class Run {
 public:
  Run(std::string name, pid_t pid, UniqueFd out, UniqueFd errors, const ProgramLimits& limits)
      : name_(std::move(name)),
        pid_(pid),
        ended_(pidfd_open(pid, 0)),
        out_(std::move(out)),
        errors_(std::move(errors)),
        limits_(limits),
        deadline_(steady_clock::now() + limits.time) {}

  Result<ProgramOutput> Finish() {
    const Status kept = Follow();
    // The group's number cannot be given to others before the program is waited for.
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return Fail(Error::FromErrno(errno, "waiting for " + name_));
    }
    if (!kept) return Fail(kept.error());
    if (WIFSIGNALED(status)) {
      return Fail(Code::kAborted,
                  fmt::format("{} was ended by signal {}", name_, WTERMSIG(status)));
    }
    output_.exit_status = WEXITSTATUS(status);
    return std::move(output_);
  }

 private:
  static int Left(steady_clock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
  }

  // Reads what there is; a closed pipe is not looked at any more.
  Status Drain(UniqueFd& pipe, std::string& text, std::size_t most, bool is_error) {
    std::array<char, 16384> bytes{};
    for (;;) {
      const ssize_t n = read(pipe.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EAGAIN) return {};
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        pipe.Reset();
        return {};
      }
      const std::size_t room = most - text.size();
      if (static_cast<std::size_t>(n) > room && !is_error) {
        return Fail(Code::kResourceExhausted,
                    fmt::format("{} says more than {} bytes", name_, most));
      }
      text.append(bytes.data(), std::min(static_cast<std::size_t>(n), room));
    }
  }

  Status Follow() {
    for (;;) {
      std::array<pollfd, 3> fds = {
          {{ended_.get(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}}};
      const int ready = poll(fds.data(), fds.size(), Left(deadline_));
      if (ready < 0 && errno != EINTR) return Fail(Error::FromErrno(errno, "waiting for " + name_));
      if (out_) {
        if (auto read = Drain(out_, output_.text, limits_.output_bytes, false); !read) return read;
      }
      if (errors_) {
        if (auto read = Drain(errors_, output_.errors, kErrorBytes, true); !read) return read;
      }
      if (ready > 0 && fds[0].revents != 0) return {};
      if (steady_clock::now() >= deadline_) {
        return Fail(Code::kDeadlineExceeded,
                    fmt::format("{} was not done after {} ms", name_, limits_.time.count()));
      }
    }
  }

  const std::string name_;
  const pid_t pid_;
  const UniqueFd ended_;
  UniqueFd out_;
  UniqueFd errors_;
  const ProgramLimits limits_;
  const steady_clock::time_point deadline_;
  ProgramOutput output_;
};

}  // namespace

Result<ProgramOutput> RunProgram(const std::vector<std::string>& arguments,
                                 const ProgramLimits& limits) {
  auto out = MakePipe();
  if (!out) return Fail(out.error());
  auto errors = MakePipe();
  if (!errors) return Fail(errors.error());
  const auto pid = Spawn(arguments, out->write.get(), errors->write.get());
  if (!pid) return Fail(pid.error());
  out->write.Reset();
  errors->write.Reset();
  return Run(arguments.front(), *pid, std::move(out->read), std::move(errors->read), limits)
      .Finish();
}

}  // namespace remapfleet::agent
