#include "agent/remap/device_users.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The disk itself, then its partitions.
std::vector<std::string> PartsOf(const std::string& disk, const UserRoots& roots) {
  std::vector<std::string> parts = {disk};
  const fs::path folder = fs::path(roots.sys) / "class/block" / disk;
  for (const std::string& name : Names(folder)) {
    if (fs::exists(folder / name / "partition")) parts.push_back(name);
  }
  return parts;
}

// An array that misses a member must not lose another one.
std::string Holder(const std::string& part, const std::string& holder, const UserRoots& roots) {
  const std::string folder = roots.sys + "/class/block/" + holder;
  if (holder.starts_with("md")) {
    const std::string missing = ReadTrimmed(folder + "/md/degraded");
    const std::string action = ReadTrimmed(folder + "/md/sync_action");
    std::string state;
    if (!missing.empty() && missing != "0") {
      state = fmt::format(", which is degraded ({} missing)", missing);
    }
    if (!action.empty() && action != "idle" && action != "frozen") {
      state += fmt::format(", under {}", action);
    }
    return fmt::format("{} is in {}{}", part, holder, state);
  }
  const std::string name = ReadTrimmed(folder + "/dm/name");
  return fmt::format("{} is held by {}{}", part, holder, name.empty() ? "" : " (" + name + ")");
}

// Field 3 is the device's number, field 5 the place; behind " - " come type and source. A file
// system of several disks has a number of its own, and one of the disks as its source.
void AddMounts(const std::string& part, const UserRoots& roots, std::vector<std::string>* users) {
  const std::string number = ReadTrimmed(roots.sys + "/class/block/" + part + "/dev");
  std::istringstream lines(ReadFile(roots.proc + "/self/mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, place, word, type, source;
    words >> id >> parent >> device >> root >> place;
    while (words >> word && word != "-") {
    }
    words >> type >> source;
    if ((!number.empty() && device == number) || source == "/dev/" + part) {
      users->push_back(fmt::format("{} is mounted at {}", part, place));
    }
  }
}

}  // namespace

std::string UsersOf(const std::string& path, const UserRoots& roots) {
  const std::string disk = fs::path(path).filename();
  std::istringstream swaps(ReadFile(roots.proc + "/swaps").value_or(""));
  std::vector<std::string> swapped;
  for (std::string line; std::getline(swaps, line);)
    swapped.push_back(line.substr(0, line.find(' ')));
  std::vector<std::string> users;
  for (const std::string& part : PartsOf(disk, roots)) {
    AddMounts(part, roots, &users);
    for (const std::string& holder : Names(roots.sys + "/class/block/" + part + "/holders")) {
      users.push_back(Holder(part, holder, roots));
    }
    if (std::find(swapped.begin(), swapped.end(), "/dev/" + part) != swapped.end()) {
      users.push_back(part + " is swapped to");
    }
  }
  return fmt::format("{}", fmt::join(users, "; "));
}

}  // namespace remapfleet::agent
