#include "agent/posix/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "agent/posix/files.h"
#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

Result<ProgramOutput> Shell(const std::string& script, ProgramLimits limits = {}) {
  return RunProgram({"/bin/sh", "-c", script}, limits);
}

// Gone, or waiting for whoever collects orphans.
bool IsDead(const std::string& pid) {
  const std::string stat = ReadTrimmed("/proc/" + pid + "/stat");
  return stat.empty() || stat.find(") Z") != std::string::npos;
}

TEST(RunProgram, GivesBackWhatItSaidAndItsStatus) {
  const auto output = Shell("echo out; echo err >&2; cat; exit 7");
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->exit_status, 7);
  EXPECT_EQ(output->text, "out\n");
  EXPECT_EQ(output->errors, "err\n");
}

TEST(RunProgram, HasArgumentsAsTheyAreAndAPlainEnvironment) {
  const auto output = RunProgram({"/usr/bin/printf", "%s|", "a b", "$HOME", "*"}, {});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->text, "a b|$HOME|*|");
  const auto environment = Shell("echo \"$LC_ALL,$HOME,\"; ls /proc/self/fd | wc -l");
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->text, "C,,\n4\n");  // three, and the folder itself
}

TEST(RunProgram, OneThatIsNotThereIsSaidSo) {
  const auto output = RunProgram({"/no/such/program"}, {});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), Code::kNotFound);
}

TEST(RunProgram, MuchOutputComesWholeUpToTheLimit) {
  const auto whole = Shell("head -c 1000000 /dev/zero", {milliseconds(30'000), 1'000'000});
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->text.size(), 1'000'000U);
  const auto more = Shell("head -c 1000001 /dev/zero", {milliseconds(30'000), 1'000'000});
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), Code::kResourceExhausted);
}

TEST(RunProgram, ItsErrorsAreCutAndDoNotStopIt) {
  const auto output = Shell("head -c 100000 /dev/zero >&2; echo done");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->errors.size(), 4096U);
  EXPECT_EQ(output->text, "done\n");
}

TEST(RunProgram, AtTheDeadlineItAndItsChildrenAreKilled) {
  const TempFolder folder;
  const std::string file = folder.path() / "child";
  const auto output = Shell("sleep 1000 & echo $! >" + file + "; wait", {milliseconds(300)});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), Code::kDeadlineExceeded);
  const std::string child = ReadTrimmed(file);
  ASSERT_FALSE(child.empty());
  while (!IsDead(child)) {
  }
}

TEST(RunProgram, AChildThatKeepsThePipeOpenDoesNotHoldItUp) {
  const auto output = Shell("sleep 1000 & echo $!");
  ASSERT_TRUE(output) << output.error().message();
  const std::string child = Trim(output->text);
  while (!IsDead(child)) {
  }
}

// The agent blocks SIGTERM in all of its threads.
TEST(RunProgram, SignalsReachItThoughTheyAreBlockedHere) {
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto output = Shell("kill -TERM $$; echo alive");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code(), Code::kAborted);
  EXPECT_THAT(output.error().message(), HasSubstr("signal 15"));
}

}  // namespace
}  // namespace remapfleet::agent
