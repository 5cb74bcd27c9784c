#include "agent/faults/stat_source.h"

#include <filesystem>

#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

class SysStats final : public StatSource {
 public:
  explicit SysStats(DriveRoots roots) : roots_(std::move(roots)) {}

  Result<StatReading> Read(const Drive& drive) override {
    const std::string name = std::filesystem::path(drive.identity.path()).filename();
    const std::string folder = roots_.sys + "/block/" + name;
    const auto line = ReadFile(folder + "/stat");
    if (!line) return Fail(line.error());
    auto stat = ParseBlockStat(*line);
    if (!stat) return Fail(stat.error());
    StatReading reading{*stat, std::nullopt};
    const std::string rotational = ReadTrimmed(folder + "/queue/rotational");
    if (rotational == "0" || rotational == "1") reading.rotational = rotational == "1";
    // Only now: it was this drive's if it still is.
    if (IsReplaced(roots_, drive)) {
      return Fail(Code::kAborted, drive.identity.path() + " is another disk by now");
    }
    return reading;
  }

 private:
  const DriveRoots roots_;
};

}  // namespace

std::unique_ptr<StatSource> MakeStatSource(DriveRoots roots) {
  return std::make_unique<SysStats>(std::move(roots));
}

}  // namespace remapfleet::agent
