#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "support/result.h"

namespace remapfleet::agent {

struct ProgramLimits {
  std::chrono::milliseconds time{30'000};
  std::size_t output_bytes = 4 << 20;  // of stdout; of stderr the first 4 KiB are kept
};

struct ProgramOutput {
  int exit_status = 0;
  std::string text;    // stdout
  std::string errors;  // stderr
};

// Runs a program, named by its path and without a shell, and waits for it: stdin empty, C locale,
// no descriptor of ours, a process group of its own, which is killed when the program has ended or
// a limit is reached. Any thread.
//
// DEADLINE_EXCEEDED or RESOURCE_EXHAUSTED for a limit, ABORTED if a signal ended it. A device may
// hold it in the kernel even against SIGKILL: this returns only when it has really ended.
Result<ProgramOutput> RunProgram(const std::vector<std::string>& arguments,
                                 const ProgramLimits& limits = {});

}  // namespace remapfleet::agent
