#include "tests/sim/ops.h"

#include <algorithm>

namespace remapfleet::sim {
namespace {

// The smallest spare with about so many slots.
std::uint64_t SpareSectors(unsigned block_size, unsigned copies, unsigned slots) {
  const std::uint64_t pages = (slots + 125) / 126 + 2;
  return 32 + pages * 16 * copies + std::uint64_t{slots} * block_size + 2 * block_size + 16;
}

struct Weighted {
  unsigned weight;
  Kind kind;
};

Kind Draw(Random& r, const std::vector<Weighted>& table) {
  unsigned sum = 0;
  for (const auto& w : table) sum += w.weight;
  auto pick = static_cast<unsigned>(r.Below(sum));
  for (const auto& w : table) {
    if (pick < w.weight) return w.kind;
    pick -= w.weight;
  }
  return Kind::kRead;
}

std::string DrawMessage(const Config& c, Random& r) {
  const auto block = [&] { return std::to_string(r.Below(c.blocks())); };
  const auto range = [&] {
    const std::uint64_t first = r.Below(c.blocks());
    return std::to_string(first) + " " +
           std::to_string(1 + r.Below(std::min<std::uint64_t>(c.blocks() - first, 6)));
  };
  const auto one_of = [&](std::initializer_list<const char*> words) {
    return std::string(*(words.begin() + r.Below(words.size())));
  };
  switch (r.Below(28)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return "remap " + range();
    case 4:
    case 5:
    case 6:
      return "unmap " + range();
    case 7:
      return "pending add " + range();
    case 8:
      return "pending clear " + range();
    case 9:
      return "query " + std::to_string(r.Below(c.length));
    case 10:
      return "list " + one_of({"remaps", "pending", "lost", "bad_slots", "spares"});
    case 11:
      return "checkpoint";
    case 12:
      return "recover";
    case 13:
      return "mark_slot_bad " + std::to_string(r.Below(r.OneIn(3) ? 1000 : c.slots));
    case 14:
      return "maintenance " + one_of({"on", "off", "off", "off"});
    case 15:
      return "set pending_write " + one_of({"remap", "verify"});
    case 16:
      return "set alloc " + one_of({"wear", "near", "first"});
    case 17:
      return "set read_retries " + std::to_string(r.Below(3));
    case 18:
      return r.OneIn(4)
                 ? one_of({"stats reset", "set error_burst 2", "set error_burst 4096", "nonsense"})
                 : "stats";
    case 19:
      return "scrub start " + one_of({"0", "0", "64", ""});
    case 20:
      return "scrub " + one_of({"stop", "pause", "status"});
    case 21:
      return "scrub sample " + std::to_string(1 + r.Below(16));
    case 22:
      return "set salvage " + one_of({"on", "on", "off"});
    case 23:
      return "rebalance";
    case 24:
    case 25:
      return "evacuate " + std::to_string(r.Below(c.spares.size()));
    default:
      return "unmap " + block();
  }
}

void DrawRange(const Config& c, Random& r, Op* op) {
  const std::uint64_t unit = c.unit();
  const std::uint64_t units = c.length / unit;
  std::uint64_t n = 1;
  switch (r.Below(4)) {
    case 0:
      n = 1;
      break;
    case 1:
      n = std::max<std::uint64_t>(1, c.block_size / unit);
      break;
    case 2:
      n = 1 + r.Below(std::max<std::uint64_t>(1, 2 * c.block_size / unit));
      break;
    default:
      n = 1 + r.Below(std::max<std::uint64_t>(1, 8 * c.block_size / unit));
      break;
  }
  n = std::min({n, units, std::uint64_t{128} / unit});
  // half of all I/O meets in few places
  std::uint64_t at = r.OneIn(2) ? r.Below(units - n + 1)
                                : r.Below(std::min(units - n + 1, 4 * c.block_size / unit));
  if (r.OneIn(2))
    at = at / std::max<std::uint64_t>(1, c.block_size / unit) *
         std::max<std::uint64_t>(1, c.block_size / unit);
  op->sector = at * unit;
  op->sectors = n * unit;
}

void Fill(const Config& c, Random& r, Op* op) {
  switch (op->kind) {
    case Kind::kRead:
      DrawRange(c, r, op);
      if (r.OneIn(40)) op->flags = REQ_RAHEAD;
      break;
    case Kind::kWrite:
      DrawRange(c, r, op);
      if (r.OneIn(6)) op->flags |= REQ_FUA;
      if (r.OneIn(12)) op->flags |= REQ_PREFLUSH;
      break;
    case Kind::kDiscard:
    case Kind::kZeroes:
    case Kind::kErase:
      DrawRange(c, r, op);
      break;
    case Kind::kMessage:
      op->text = DrawMessage(c, r);
      break;
    case Kind::kFault:
      DrawRange(c, r, op);
      op->sectors = 1 + r.Below(op->sectors);
      op->flags = static_cast<unsigned>(1 + r.Below(15));
      if ((op->flags & 3) == 0) op->flags |= 3;
      break;
    case Kind::kHeal:
      op->sector = r.OneIn(3) ? 0 : r.Below(c.length);
      op->sectors = r.OneIn(3) ? c.length : 1 + r.Below(4 * c.block_size);
      break;
    case Kind::kSpareFault:
      op->device = static_cast<unsigned>(1 + r.Below(c.spares.size()));
      op->sector = r.Below(c.spares[op->device - 1].sectors);
      op->sectors = 1 + r.Below(r.OneIn(3) ? 64 : c.block_size);
      op->flags = static_cast<unsigned>(1 + r.Below(15));
      if ((op->flags & 3) == 0) op->flags |= 3;
      break;
    case Kind::kTransport:
      op->device = c.spare_faults ? static_cast<unsigned>(r.Below(1 + c.spares.size())) : 0;
      op->sectors = 1 + r.Below(3);
      break;
    case Kind::kGone:
      op->device = c.spare_faults ? static_cast<unsigned>(r.Below(1 + c.spares.size())) : 0;
      op->sector = r.Below(2);
      break;
    default:
      break;
  }
}

}  // namespace

unsigned Config::unit() const {
  unsigned bytes = main.logical;
  for (const auto& spare : spares) bytes = std::max(bytes, spare.logical);
  return bytes / static_cast<unsigned>(kSector);
}

Config DrawConfig(std::uint64_t seed) {
  Random r(seed ^ 0xc0ffee);
  Config c;
  c.seed = seed;
  const unsigned shapes[][2] = {{512, 512}, {512, 4096}, {4096, 4096}};
  // A spare of larger blocks than all before it comes to a set: chance seldom makes one.
  const bool coarser = seed % 16 == 7;
  const auto& shape = shapes[r.Below(coarser ? 2 : 3)];
  c.main.logical = shape[0];
  c.main.physical = shape[1];
  c.main.cache = !r.OneIn(5);
  c.main.discard = !r.OneIn(5);
  const unsigned smallest = c.main.logical / kSector;
  const unsigned sizes[] = {1, 2, 8, 8, 8, 16, 64};
  c.block_size = std::max(coarser ? 16 : smallest, sizes[r.Below(7)]);
  const std::uint64_t offsets[] = {0, 0, 8, 2048, 2056};
  c.data_offset = offsets[r.Below(5)];
  c.begin = r.OneIn(3) ? 1024 : 0;
  const auto copies = static_cast<unsigned>(r.OneIn(3) ? 2 + r.Below(4) : 2);
  c.slots = static_cast<unsigned>(4 + r.Below(r.OneIn(3) ? 8 : 60));
  const std::uint64_t n_spares = coarser || r.OneIn(3) ? 2 : 1;
  const bool grow = r.OneIn(3);
  c.spares_at_first = !coarser && r.OneIn(2) ? n_spares : 1;
  c.first_sectors = (SpareSectors(c.block_size, copies, c.slots) + 7) / 8 * 8;
  for (std::uint64_t i = 0; i < n_spares; i++) {
    DiskShape s;
    s.logical = c.block_size >= 8 && r.OneIn(2) ? 4096 : 512;
    if (coarser) s.logical = i == 0 ? 512 : 4096;
    s.physical = s.logical;
    s.cache = !r.OneIn(5);
    s.sectors = c.first_sectors * (grow ? 2 : 1);
    c.spares.push_back(s);
  }
  c.length = c.block_size * (8 + r.Below(40));
  if (r.OneIn(3) && c.block_size > c.unit()) c.length -= c.unit();  // the last block is not whole
  c.main.sectors = c.data_offset + c.length + 8 * r.Below(3);
  const char* writes[] = {"remap", "verify"};
  const char* allocs[] = {"wear", "near", "first"};
  c.features = "10 block_size " + std::to_string(c.block_size) + " copies " +
               std::to_string(copies) + " pending_write " + writes[r.Below(2)] + " alloc " +
               allocs[r.Below(3)] + " read_retries " + std::to_string(r.Below(3));
  c.depth = static_cast<unsigned>(1 + r.Below(8));
  const unsigned preemptions[] = {0, 200, 40, 10};
  c.preemption = preemptions[r.Below(4)];
  c.main_faults = coarser || !r.OneIn(6);
  c.spare_faults = c.main_faults && r.OneIn(3);
  c.power_cuts = !r.OneIn(5);
  c.memory_faults = c.spare_faults && r.OneIn(6);
  c.scenes = seed % 4 == 3;
  return c;
}

std::vector<Op> DrawOps(const Config& c, std::uint64_t seed, unsigned n) {
  Random r(seed ^ 0xbeef);
  std::vector<Weighted> table = {{300, Kind::kRead},   {420, Kind::kWrite}, {60, Kind::kFlush},
                                 {20, Kind::kDiscard}, {30, Kind::kZeroes}, {6, Kind::kErase},
                                 {90, Kind::kMessage}, {8, Kind::kStatus},  {8, Kind::kSuspend},
                                 {8, Kind::kReload},   {2, Kind::kRemove},  {6, Kind::kSettle}};
  if (c.main_faults)
    table.insert(table.end(),
                 {{40, Kind::kFault}, {16, Kind::kHeal}, {5, Kind::kTransport}, {1, Kind::kGone}});
  if (c.spare_faults)
    table.insert(table.end(), {{14, Kind::kSpareFault}, {10, Kind::kSpareHeal}, {6, Kind::kBack}});
  if (c.power_cuts) table.push_back({12, Kind::kPowerCut});
  if (c.memory_faults) table.push_back({4, Kind::kMemory});
  if (c.main_faults && !c.spare_faults) table.push_back({4, Kind::kBack});
  std::vector<Op> ops;
  if (c.scenes) ops = DrawFirstScene(c, r);
  while (ops.size() < n) {
    if (c.scenes && r.OneIn(12)) {
      const auto scene = DrawScene(c, r);
      ops.insert(ops.end(), scene.begin(), scene.end());
      continue;
    }
    Op& op = ops.emplace_back();
    op.kind = Draw(r, table);
    Fill(c, r, &op);
  }
  return ops;
}

std::string Show(const Op& op) {
  static const char* const names[] = {
      "read",   "write",  "flush",       "discard",    "zeroes",    "erase", "message", "status",
      "fault",  "heal",   "spare-fault", "spare-heal", "transport", "gone",  "back",    "suspend",
      "reload", "remove", "power-cut",   "settle",     "memory",    "wait"};
  std::string line = names[static_cast<int>(op.kind)];
  if (op.device != 0) line += " spare" + std::to_string(op.device - 1);
  if (op.sectors != 0) line += " " + std::to_string(op.sector) + "+" + std::to_string(op.sectors);
  if (!op.text.empty()) line += " " + op.text;
  if (op.kind == Kind::kFault || op.kind == Kind::kSpareFault) {
    if (op.flags & 1) line += " reads";
    if (op.flags & 2) line += " writes";
    if (op.flags & 4) line += " until-written";
    line += op.flags & 8 ? " ioerr" : " medium";
  } else {
    if (op.flags & REQ_FUA) line += " fua";
    if (op.flags & REQ_PREFLUSH) line += " preflush";
    if (op.flags & REQ_RAHEAD) line += " ahead";
  }
  return line;
}

std::string Show(const Config& c) {
  auto disk = [](const DiskShape& d) {
    return std::to_string(d.sectors) + " sectors " + std::to_string(d.logical) + "/" +
           std::to_string(d.physical) + (d.cache ? " cache" : "");
  };
  std::string text = "main " + disk(c.main);
  for (const auto& s : c.spares) text += ", spare " + disk(s);
  return text + ", " + std::to_string(c.spares_at_first) + " of " +
         std::to_string(c.first_sectors) + " at first\ntable " + std::to_string(c.begin) + " " +
         std::to_string(c.length) + " remap 1 main " + std::to_string(c.data_offset) + " … " +
         c.features + "\ndepth " + std::to_string(c.depth) + " preemption " +
         std::to_string(c.preemption);
}

}  // namespace remapfleet::sim
