#include "agent/remap/remap_device.h"

#include <fmt/format.h>

#include <sstream>

namespace remapfleet::agent {

Result<RemapDevice::State> RemapDevice::ReadState() {
  auto target = dm_.StatusOf(name_);
  if (!target) return Fail(target.error());
  State state{target->params, {}, target->length};
  if (target->type != REMAP_TARGET_NAME ||
      remap_status_parse(state.line.c_str(), &state.parsed) != 0) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{}: status \"{} {}\" is not one of a remap target", name_,
                            target->type, target->params));
  }
  return state;
}

Result<std::string> RemapDevice::TableLine() {
  auto target = dm_.Table(name_);
  if (!target) return Fail(target.error());
  return fmt::format("{} {} {} {}", target->start, target->length, target->type, target->params);
}

Result<std::vector<Extent>> RemapDevice::List(const std::string& what) {
  std::vector<Extent> extents;
  std::string message = "list " + what;
  while (true) {
    auto reply = dm_.Message(name_, message);
    if (!reply) return Fail(reply.error());
    message.clear();
    const char* text = reply->c_str();
    remap_list_item item{};
    int got = 0;
    while ((got = remap_list_next(&text, &item)) == 1) {
      if (item.is_next != 0) {
        message = fmt::format("list {} {}", what, static_cast<std::uint64_t>(item.cursor));
      } else {
        extents.push_back({item.block, item.count});
      }
    }
    if (got != 0) {
      return Fail(Code::kInternal, fmt::format("{}: bad reply to list {}", name_, what));
    }
    if (message.empty()) return Normalise(std::move(extents));
  }
}

Result<std::uint64_t> RemapDevice::Remap(const Extent& extent) {
  auto whole = dm_.Message(name_, fmt::format("remap {} {}", extent.first, extent.count));
  if (whole) return extent.count;
  if (whole.error().code() != Code::kDataLoss) return Fail(whole.error());
  // It stopped at a block that cannot be read. Which one is told only by asking for each.
  std::uint64_t moved = 0;
  for (std::uint64_t block = extent.first; block != extent.end(); ++block) {
    auto done = RemapOne(block);
    if (!done) return Fail(done.error());
    moved += *done ? 1 : 0;
  }
  return moved;
}

// True if the block is on a slot afterwards, false if it is pending or lost.
Result<bool> RemapDevice::RemapOne(std::uint64_t block) {
  auto reply = dm_.Message(name_, fmt::format("remap {} 1", block));
  if (reply) return true;
  if (reply.error().code() != Code::kDataLoss) return Fail(reply.error());
  auto state = ReadState();
  if (!state) return Fail(state.error());
  auto answer = Query(block * state->parsed.block_size);
  if (!answer) return Fail(answer.error());
  remap_query query{};
  if (remap_query_parse(answer->c_str(), &query) != 0) {
    return Fail(Code::kInternal, fmt::format("{}: bad reply to query: {}", name_, *answer));
  }
  if (query.state == REMAP_BLOCK_PENDING || query.state == REMAP_BLOCK_LOST) return false;
  return Fail(reply.error());
}

Result<std::string> RemapDevice::Query(std::uint64_t sector) {
  return dm_.Message(name_, fmt::format("query {}", sector));
}

Status RemapDevice::Set(const std::string& key, const std::string& value) {
  auto now = dm_.Message(name_, "get " + key);
  if (!now) return Fail(now.error());
  if (*now == value) return {};
  auto set = dm_.Message(name_, fmt::format("set {} {}", key, value));
  if (!set) return Fail(set.error());
  return {};
}

void FillCounters(const std::string& status_line, v1::RemapStatus& status) {
  std::istringstream words(status_line);
  std::string word;
  while (words >> word) {
    const auto equals = word.find('=');
    __u64 value = 0;
    if (equals == std::string::npos || remap_u64_parse(word.c_str() + equals + 1, &value) != 0) {
      continue;
    }
    (*status.mutable_counters())[word.substr(0, equals)] = value;
  }
}

}  // namespace remapfleet::agent
