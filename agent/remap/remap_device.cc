#include "agent/remap/remap_device.h"

#include <fmt/format.h>

#include <sstream>

namespace remapfleet::agent {
namespace {

// How many blocks a reply to `remap` says were done, and the errno that it stopped at: 0 for none.
struct Done {
  std::uint64_t blocks;
  int error;
};

Result<Done> ParseDone(const std::string& reply) {
  __u64 blocks = 0;
  __u64 error = 0;
  const bool ok = reply.starts_with("ok ");
  if ((!ok && !reply.starts_with("failed ")) || remap_kv_u64(reply.c_str(), "done", &blocks) != 0 ||
      (!ok && (remap_kv_u64(reply.c_str(), "error", &error) != 0 || error == 0))) {
    return Fail(Code::kInternal, "bad reply to remap: " + reply);
  }
  return Done{blocks, static_cast<int>(error)};
}

}  // namespace

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
  std::uint64_t moved = 0;
  for (std::uint64_t at = extent.first; at < extent.end();) {
    const std::uint64_t count = extent.end() - at;
    auto reply = dm_.Message(name_, fmt::format("remap {} {}", at, count));
    // The first block's error is the message's own, a later one's is in the reply.
    Error why(Code::kDataLoss, "");
    if (reply) {
      auto done = ParseDone(*reply);
      if (!done) return Fail(done.error());
      if (done->blocks > count || (done->error == 0) != (done->blocks == count)) {
        return Fail(Code::kInternal, fmt::format("{}: bad reply to remap: {}", name_, *reply));
      }
      moved += done->blocks;
      at += done->blocks;
      if (done->error == 0) break;
      why = Error::FromErrno(done->error, fmt::format("{}: remap of block {}", name_, at));
    } else {
      why = reply.error();
    }
    if (why.code() != Code::kDataLoss) return Fail(std::move(why));
    auto waits = WaitsForWrite(at);
    if (!waits) return Fail(waits.error());
    if (!*waits) return Fail(std::move(why));
    ++at;
  }
  return moved;
}

Result<bool> RemapDevice::WaitsForWrite(std::uint64_t block) {
  auto state = ReadState();
  if (!state) return Fail(state.error());
  auto answer = Query(block * state->parsed.block_size);
  if (!answer) return Fail(answer.error());
  remap_query query{};
  if (remap_query_parse(answer->c_str(), &query) != 0) {
    return Fail(Code::kInternal, fmt::format("{}: bad reply to query: {}", name_, *answer));
  }
  return query.state == REMAP_BLOCK_PENDING || query.state == REMAP_BLOCK_LOST;
}

Result<std::string> RemapDevice::Query(std::uint64_t sector) {
  return dm_.Message(name_, fmt::format("query {}", sector));
}

Result<std::string> RemapDevice::Histogram() { return dm_.Message(name_, "histogram"); }

Result<std::string> RemapDevice::Get(const std::string& key) {
  return dm_.Message(name_, "get " + key);
}

Status RemapDevice::Set(const std::string& key, const std::string& value) {
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
