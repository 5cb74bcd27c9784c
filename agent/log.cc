#include "agent/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace remapfleet::agent {
namespace {

// As systemd.exec(5) says: the variable may be inherited by what has another standard error.
bool StderrIsTheJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat st {};
  return stream != nullptr && fstat(STDERR_FILENO, &st) == 0 &&
         fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
}

}  // namespace

void StartLog() {
  if (StderrIsTheJournal()) {
    auto sink = std::make_shared<spdlog::sinks::systemd_sink_mt>("remap-agent");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("remap-agent", std::move(sink)));
    return;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("remap-agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc);
}

void SetLogLevel(const std::string& level) { spdlog::set_level(spdlog::level::from_str(level)); }

}  // namespace remapfleet::agent
