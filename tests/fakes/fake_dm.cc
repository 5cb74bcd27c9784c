#include "tests/fakes/fake_dm.h"

#include <fmt/format.h>

#include <cerrno>
#include <sstream>

#include "remap_status.h"

namespace remapfleet::agent {
namespace {

constexpr std::uint64_t kBlockSectors = 8;
constexpr std::uint64_t kPage = 3;  // entries of a reply: small, so that paging is met

struct Parsed {
  std::string main;
  std::string spare;
};

Result<Parsed> Parse(const DmTarget& table) {
  std::string words = table.params;
  remap_table parsed{};
  const char* error = "another target";
  if (table.type != REMAP_TARGET_NAME || remap_table_parse(words.data(), &parsed, &error) != 0) {
    return Fail(Code::kInvalidArgument, std::string("table: ") + error);
  }
  return Parsed{parsed.main_dev, parsed.spare[0].dev};
}

std::string StatusLine(const std::map<std::string, std::uint64_t>& values) {
  std::string line = "1 rw";
  const auto add = [&](const std::string& key) {
    const auto found = values.find(key);
    line += fmt::format(" {}={}", key, found == values.end() ? 0 : found->second);
  };
#define FAKE_U(name) add(#name);
#define FAKE_S(name) line += " " #name "=idle";
#define FAKE_H(name) line += " " #name "=100";
  REMAP_STATUS_KEYS(FAKE_U, FAKE_S, FAKE_H)
#undef FAKE_U
#undef FAKE_S
#undef FAKE_H
  return line;
}

tl::unexpected<Error> NoDevice(const std::string& name) {
  return Fail(Code::kNotFound, name + ": no such device");
}

}  // namespace

FakeDm::Device* FakeDm::Find(const std::string& name) {
  const auto found = devices_.find(name);
  return found == devices_.end() ? nullptr : &found->second;
}

Result<std::optional<DmInfo>> FakeDm::Info(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Device* device = Find(name);
  if (device == nullptr) return std::nullopt;
  return DmInfo{device->uuid, device->live.has_value(), device->suspended};
}

Status FakeDm::MakeLive(Device& device, const DmTarget& table) {
  const auto parsed = Parse(table);
  if (!parsed) return Fail(parsed.error());
  Spare& spare = spares_[parsed->spare];
  if (spare.main.empty()) {
    spare.main = parsed->main;
    ++counts_.formats;
  }
  if (spare.main != parsed->main) return Fail(Code::kInvalidArgument, "Wrong main device");
  device.live = table;
  device.suspended = false;
  return {};
}

Status FakeDm::Create(const std::string& name, const std::string& uuid, const DmTarget& table) {
  const std::lock_guard lock(mutex_);
  if (Find(name) != nullptr) return Fail(Code::kFailedPrecondition, name + ": busy");
  Device device;
  device.uuid = uuid;
  if (auto live = MakeLive(device, table); !live) return live;
  ++counts_.creates;
  devices_[name] = std::move(device);
  return {};
}

Status FakeDm::Load(const std::string& name, const DmTarget& table) {
  const std::lock_guard lock(mutex_);
  Device* device = Find(name);
  if (device == nullptr) return NoDevice(name);
  if (const auto parsed = Parse(table); !parsed) return Fail(parsed.error());
  device->inactive = table;
  return {};
}

Status FakeDm::Resume(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Device* device = Find(name);
  if (device == nullptr) return NoDevice(name);
  if (device->inactive) {
    if (auto live = MakeLive(*device, *device->inactive); !live) return live;
    device->inactive.reset();
  }
  device->suspended = false;
  return {};
}

Result<DmTarget> FakeDm::Table(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Device* device = Find(name);
  if (device == nullptr) return NoDevice(name);
  if (!device->live) return Fail(Code::kFailedPrecondition, name + ": no live table");
  return *device->live;
}

Result<DmTarget> FakeDm::StatusOf(const std::string& name) {
  auto target = Table(name);
  if (!target) return target;
  const std::lock_guard lock(mutex_);
  const auto parsed = Parse(*target);
  if (!parsed) return Fail(parsed.error());
  const Spare& spare = spares_[parsed->spare];
  target->params = StatusLine({{"block_size", kBlockSectors},
                               {"md_copies", 2},
                               {"md_copies_ok", 2},
                               {"slots", spare.slots},
                               {"slots_used", spare.remapped.size()},
                               {"remaps", spare.remapped.size()},
                               {"pending", Find(name)->pending.size()}});
  return target;
}

Result<std::string> FakeDm::Message(const std::string& name, const std::string& text) {
  const std::lock_guard lock(mutex_);
  Device* device = Find(name);
  if (device == nullptr || !device->live) return NoDevice(name);
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  auto answer = Answer(*device, words);
  if (!answer) return Fail(std::move(answer.error()).Because(text));
  return answer;
}

Result<std::string> FakeDm::Answer(Device& device, const std::vector<std::string>& words) {
  const auto bad = [] { return Fail(Code::kInvalidArgument, "bad message"); };
  const auto number = [&](std::size_t i, std::uint64_t fallback) {
    return words.size() > i ? std::stoull(words[i]) : fallback;
  };
  Spare& spare = spares_[Parse(*device.live)->spare];
  if (words.empty()) return bad();
  if (words[0] == "get" && words.size() == 2) {
    const auto found = device.settings.find(words[1]);
    if (found == device.settings.end()) return bad();
    return found->second;
  }
  if (words[0] == "histogram" && words.size() == 1) {
    return "enabled=off first_ns=1024 buckets=2 read=0,0 write=0,0 remapped=0,0 slow=0,0";
  }
  if (words[0] == "set" && words.size() == 3) {
    const auto found = device.settings.find(words[1]);
    if (found == device.settings.end() || words[2] == "nonsense") return bad();
    found->second = words[2];
    ++counts_.sets;
    return "ok";
  }
  if (words[0] == "list" && words.size() >= 2) {
    if (words[1] == "remaps") return ListOf(spare.remapped, "remapped 0", number(2, 0));
    if (words[1] == "pending") return ListOf(device.pending, "pending", number(2, 0));
    return ListOf({}, "lost", 0);
  }
  if (words[0] == "query" && words.size() == 2) {
    const std::uint64_t block = number(1, 0) / kBlockSectors;
    const char* state = spare.remapped.count(block) != 0   ? "remapped"
                        : device.pending.count(block) != 0 ? "pending"
                                                           : "clean";
    return fmt::format("{} {} block={}", words[1], state, block);
  }
  if (words[0] == "remap" && words.size() >= 2) {
    return RemapBlocks(device, number(1, 0), number(2, 1));
  }
  return bad();
}

Result<std::string> FakeDm::RemapBlocks(Device& device, std::uint64_t first, std::uint64_t count) {
  const Parsed parsed = *Parse(*device.live);
  Spare& spare = spares_[parsed.spare];
  for (std::uint64_t block = first; block < first + count && !lying_; ++block) {
    if (spare.remapped.count(block) != 0) continue;
    int error = 0;
    if (unreadable_[parsed.main].count(block) != 0) {
      device.pending.insert(block);
      error = EIO;
    } else if (spare.remapped.size() >= spare.slots) {
      error = ENOSPC;
    }
    if (error != 0 && block == first) return Fail(Error::FromErrno(error, "remap"));
    if (error != 0) {
      return fmt::format("failed done={} block={} error={}", block - first, block, error);
    }
    spare.remapped.insert(block);
    ++counts_.moves;
  }
  return fmt::format("ok done={}", count);
}

std::string FakeDm::ListOf(const std::set<std::uint64_t>& blocks, const std::string& state,
                           std::uint64_t cursor) const {
  if (blocks.lower_bound(cursor) == blocks.end()) return "ok entries=0";
  std::string reply;
  std::uint64_t entries = 0;
  for (auto it = blocks.lower_bound(cursor); it != blocks.end(); ++it) {
    if (entries++ == kPage) return reply + fmt::format("next={}\n", *it);
    reply += fmt::format("{} 1 {}\n", *it, state);
  }
  return reply;
}

void FakeDm::Reboot() {
  const std::lock_guard lock(mutex_);
  devices_.clear();
}

void FakeDm::AddDevice(const std::string& name, const std::string& uuid,
                       std::optional<DmTarget> live, bool suspended) {
  const std::lock_guard lock(mutex_);
  Device& device = devices_[name];
  device.uuid = uuid;
  device.live = std::move(live);
  device.suspended = suspended;
}

void FakeDm::Suspend(const std::string& name) {
  const std::lock_guard lock(mutex_);
  devices_.at(name).suspended = true;
}

void FakeDm::Unmap(const std::string& spare, std::uint64_t block) {
  const std::lock_guard lock(mutex_);
  spares_.at(spare).remapped.erase(block);
}

void FakeDm::SetUnreadable(const std::string& main, std::uint64_t block) {
  const std::lock_guard lock(mutex_);
  unreadable_[main].insert(block);
}

void FakeDm::SetLying(bool lying) {
  const std::lock_guard lock(mutex_);
  lying_ = lying;
}

FakeDm::Spare& FakeDm::SpareOn(const std::string& device) {
  const std::lock_guard lock(mutex_);
  return spares_[device];
}

FakeDm::Counts FakeDm::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace remapfleet::agent
