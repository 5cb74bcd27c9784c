#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "agent/disks/smartctl_command.h"
#include "agent/posix/files.h"
#include "agent/posix/run_program.h"
#include "agent/selftest/starter.h"

namespace remapfleet::agent {
namespace {

// Its banner says nothing of the test.
std::string WordsOf(const std::string& said) {
  std::string words;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    line = Trim(line);
    if (line.empty() || line.starts_with("===") || line.starts_with("Copyright") ||
        (line.starts_with("smartctl ") && line.find('[') != std::string::npos)) {
      continue;
    }
    words += (words.empty() ? "" : " ") + line;
  }
  constexpr std::size_t kMost = 300;
  return words.substr(0, kMost);
}

class SmartctlStarter final : public SelfTestStarter {
 public:
  explicit SmartctlStarter(SmartctlOptions options) : options_(std::move(options)) {}

  Status Start(const Drive& drive, SelfTestKind kind) override {
    const char* test = kind == SelfTestKind::kShort ? "short" : "long";
    const auto output =
        RunProgram(SmartctlCommand(options_.program, {"-t", test}, drive), {options_.time});
    if (!output && output.error().code() == Code::kNotFound) {
      return Fail(Code::kNotFound, options_.program +
                                       " is not there: install smartmontools, or name it as "
                                       "drives.smartctl");
    }
    if (!output) return Fail(output.error());
    return ExplainSmartctlStart(output->exit_status, output->text + "\n" + output->errors);
  }

 private:
  const SmartctlOptions options_;
};

}  // namespace

Status ExplainSmartctlStart(int exit_status, const std::string& said) {
  constexpr int kBadArguments = 1;
  constexpr int kNotOpened = 2;
  constexpr int kCommandFailed = 4;
  if (exit_status == kSmartctlSleeps) return Fail(Code::kFailedPrecondition, "it sleeps");
  const auto fail = [&](Code code, const char* why) {
    const std::string words = WordsOf(said);
    return Fail(code, fmt::format("{} (smartctl's exit status {}){}{}", why, exit_status,
                                  words.empty() ? "" : ": ", words));
  };
  if ((exit_status & kBadArguments) != 0) {
    return fail(Code::kInvalidArgument,
                "smartctl does not know how to ask this drive: check its type in drives.member");
  }
  if ((exit_status & kNotOpened) != 0) {
    return fail(Code::kUnavailable, "smartctl could not open it, or it did not say who it is");
  }
  if ((exit_status & kCommandFailed) != 0) {
    return fail(Code::kUnavailable, "the drive refused the test, or runs one already");
  }
  return {};
}

std::unique_ptr<SelfTestStarter> MakeSmartctlStarter(SmartctlOptions options) {
  return std::make_unique<SmartctlStarter>(std::move(options));
}

}  // namespace remapfleet::agent
