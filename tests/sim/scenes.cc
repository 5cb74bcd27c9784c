// Short sequences that random order seldom brings together, and that a target may get wrong.
#include <algorithm>

#include "kmod/core/slots.h"
#include "tests/sim/ops.h"

namespace remapfleet::sim {
namespace {

constexpr unsigned kReads = 1, kWrites = 2;  // of a fault

struct Scene {
  const Config& config;
  std::vector<Op> ops;

  Op& Add(Kind kind, std::uint64_t sector = 0, std::uint64_t sectors = 0, unsigned flags = 0) {
    Op op;
    op.kind = kind;
    op.sector = sector;
    op.sectors = sectors;
    op.flags = flags;
    ops.push_back(op);
    return ops.back();
  }
  void Message(const std::string& text) { Add(Kind::kMessage).text = text; }
  // Blocks that are whole.
  void Blocks(Kind kind, std::uint64_t block, std::uint64_t n, unsigned flags = 0) {
    Add(kind, block * config.block_size, n * config.block_size, flags);
  }
};

// A block is moved, written durably meanwhile, and the power is cut.
void MoveAndCut(Scene* s, Random& r, std::uint64_t block) {
  if (r.OneIn(2)) {
    s->Message("remap " + std::to_string(block));
    s->Add(Kind::kWait);
    s->Message("unmap " + std::to_string(block));
  } else {
    s->Message("remap " + std::to_string(block));
  }
  for (std::uint64_t n = 1 + r.Below(2); n != 0; n--) s->Blocks(Kind::kWrite, block, 1, REQ_FUA);
  if (s->config.power_cuts) s->Add(Kind::kPowerCut);
  s->Blocks(Kind::kRead, block, 1);
}

// Of a block on a slot one unit is written later than the rest, and the power is cut.
void GrowAndCut(Scene* s, Random& r, std::uint64_t block) {
  const std::uint64_t unit = s->config.unit();
  const std::uint64_t first = block * s->config.block_size;
  const std::uint64_t late = first + r.Below(s->config.block_size / unit) * unit;
  s->Add(Kind::kFault, late, unit, kReads | kWrites);
  s->Add(Kind::kFault, late == first ? first + unit : first, unit, kReads | kWrites);
  s->Add(Kind::kWrite, late == first ? first + unit : first, unit, REQ_FUA);
  s->Add(Kind::kWait);
  s->Add(Kind::kWrite, late, unit, REQ_FUA);
  s->Add(Kind::kWait);
  if (s->config.power_cuts) s->Add(Kind::kPowerCut);
  s->Add(Kind::kRead, late, unit);
}

// One unit of a block fails while its others are being written.
void FailAmongWrites(Scene* s, Random& r, std::uint64_t block) {
  const std::uint64_t unit = s->config.unit();
  const std::uint64_t first = block * s->config.block_size;
  const std::uint64_t units = s->config.block_size / unit;
  const std::uint64_t bad = r.Below(units);
  s->Add(Kind::kWait);
  s->Add(Kind::kFault, first + bad * unit, unit, kWrites);
  s->Add(Kind::kWrite, first + bad * unit, unit);
  for (std::uint64_t n = 4; n != 0; n--)
    s->Add(Kind::kWrite, first + (bad + 1 + r.Below(units - 1)) % units * unit, unit);
  s->Add(Kind::kWait);
  s->Blocks(Kind::kRead, block, 1);
}

// The commit for a write fails after a mirror may have taken it; the blocks are used on all the
// same.
void FailCommit(Scene* s, Random& r, std::uint64_t block, std::uint64_t n) {
  const std::uint64_t first = block * s->config.block_size;
  const std::uint64_t sectors = n * s->config.block_size;
  if (r.OneIn(2)) s->Message("set pending_write verify");
  s->Add(Kind::kFault, first, sectors, kReads);
  for (std::uint64_t b = block; b < block + n; b++) s->Blocks(Kind::kRead, b, 1);
  s->Add(Kind::kWait);
  s->Add(Kind::kHeal, first, sectors);
  if (r.OneIn(2)) s->Add(Kind::kFault, first, s->config.block_size, kWrites);
  s->Add(Kind::kWrite, first, sectors, REQ_FUA);
  Op& failing = s->Add(Kind::kTransport, 0, 2 + r.Below(3));
  failing.device = static_cast<unsigned>(1 + r.Below(s->config.spares.size()));
  s->Add(Kind::kWait);
  for (std::uint64_t b = block; b < block + n; b++) s->Blocks(Kind::kRead, b, 1);
  s->Add(Kind::kHeal, first, sectors);
  if (r.OneIn(3))
    s->Blocks(Kind::kErase, block, 1);
  else
    s->Blocks(Kind::kWrite, block, 1, REQ_FUA);
  s->Add(Kind::kWait);
  // an erasure is durable only behind a flush, which may not be had
  if (s->config.power_cuts && r.OneIn(2))
    s->Add(Kind::kPowerCut);
  else
    s->Add(Kind::kRemove);
  s->Add(Kind::kSettle);
  s->Add(Kind::kRead, first, sectors);
}

// A slot is written so often that its block is moved to another, and written on meanwhile.
void LevelAmidWrites(Scene* s, Random& r, std::uint64_t block) {
  const std::uint64_t unit = s->config.unit();
  const auto write = [&] {
    s->Add(Kind::kWrite, block * s->config.block_size + r.Below(s->config.block_size / unit) * unit,
           unit);
  };
  s->Message("remap " + std::to_string(block));
  s->Add(Kind::kWait);
  for (unsigned n = 0; n < RM_WEAR_GAP + 2; n++) write();
  s->Add(Kind::kWait);
  s->Message("rebalance");
  for (std::uint64_t n = 2 + r.Below(5); n != 0; n--) write();
  s->Add(Kind::kWait);
  s->Blocks(Kind::kRead, block, 1);
}

// A spare is emptied, of which perhaps not all can be read, and perhaps left out; meanwhile its
// blocks are written.
void EvacuateAmidWrites(Scene* s, Random& r, std::uint64_t block, std::uint64_t n) {
  s->Message("remap " + std::to_string(block) + " " + std::to_string(n));
  s->Add(Kind::kWait);
  for (std::size_t spare = 0; spare < s->config.spares.size(); spare++) {
    if (s->config.spare_faults && r.OneIn(2)) {
      Op& fault = s->Add(Kind::kSpareFault, r.Below(s->config.first_sectors), 64, kReads);
      fault.device = static_cast<unsigned>(1 + spare);
    }
    s->Message("evacuate " + std::to_string(spare) + (r.OneIn(3) ? " abandon" : ""));
    for (std::uint64_t w = r.Below(5); w != 0; w--) s->Blocks(Kind::kWrite, block + r.Below(n), 1);
    s->Add(Kind::kWait);
    for (std::uint64_t b = block; b < block + n; b++) s->Blocks(Kind::kRead, b, 1);
    s->Add(Kind::kReload);
    s->Add(Kind::kSettle);
  }
  for (std::uint64_t b = block; b < block + n; b++) s->Blocks(Kind::kRead, b, 1);
}

// Of a block one sector is unreadable, and its slot may be on, or come to, a disk of larger blocks.
void FineOnCoarse(Scene* s, Random& r, std::uint64_t block) {
  const std::uint64_t unit = s->config.unit();
  const std::uint64_t first = block * s->config.block_size;
  const std::uint64_t units = s->config.block_size / unit;
  const std::uint64_t written = r.Below(units);
  s->Add(Kind::kFault, first + (written + 1) % units * unit + r.Below(unit), 1, kReads | kWrites);
  s->Add(Kind::kFault, first + written * unit, unit, kReads | kWrites);
  s->Add(Kind::kWrite, first + written * unit, unit, REQ_FUA);
  s->Add(Kind::kWait);
  for (std::size_t turn = 0; turn < s->config.spares.size(); turn++) {
    s->Add(Kind::kReload);
    s->Add(Kind::kSettle);
    s->Message("evacuate " + std::to_string(turn));
    s->Add(Kind::kWait);
    for (std::uint64_t n = 0; n < units; n++) s->Add(Kind::kRead, first + n * unit, unit);
  }
}

// The power goes while a spare is added or grows.
void ReloadAndCut(Scene* s, Random& r, std::uint64_t block) {
  s->Message("remap " + std::to_string(block));
  s->Add(Kind::kWait);
  s->Add(Kind::kReload);
  for (std::uint64_t n = r.Below(10); n != 0; n--) s->Add(Kind::kStatus);  // time passes
  s->Add(Kind::kPowerCut);
  s->Blocks(Kind::kRead, block, 1);
}

// A mirror cannot be written any more, and the power goes while the last one is.
void CutOnLastMirror(Scene* s, Random& r, std::uint64_t block) {
  constexpr std::uint64_t kPage = 8;
  // enough for records in more than one sector of a page: else nothing is torn
  const std::uint64_t n =
      std::min<std::uint64_t>(s->config.length / s->config.block_size - block, 40);
  // a copy of the first page at the start; or whatever is behind the middle: no other place
  const bool start = r.OneIn(3);
  const std::uint64_t half = s->config.first_sectors / 2;
  Op& fault = start ? s->Add(Kind::kSpareFault, 2 * kPage, kPage, kWrites)
                    : s->Add(Kind::kSpareFault, half, half - 3 * kPage, kWrites);
  fault.device = 1;
  for (unsigned turn = 0; turn < 4; turn++) {
    const std::string text =
        (turn % 2 == 0 ? "remap " : "unmap ") + std::to_string(block) + " " + std::to_string(n);
    s->Message(text);
    s->Add(Kind::kWait);
    s->Blocks(Kind::kWrite, block, n, REQ_FUA);
    s->Message(turn % 2 == 0 ? "checkpoint" : "remap " + std::to_string(block));
    for (std::uint64_t ticks = r.Below(6); ticks != 0; ticks--) s->Add(Kind::kStatus);
    s->Add(Kind::kPowerCut);
    s->Blocks(Kind::kRead, block, n);
    s->Add(Kind::kWait);
  }
  s->Add(Kind::kSpareHeal);
}

// The link fails while a block is scrubbed alone, its neighbours being elsewhere.
void ScrubOverBadLink(Scene* s, Random& r, std::uint64_t block) {
  s->Message("set salvage on");
  s->Message("remap " + std::to_string(block));
  s->Message("remap " + std::to_string(block + 2));
  s->Add(Kind::kWait);
  s->Message(r.OneIn(2) ? "scrub sample 1" : "scrub start 0");
  for (std::uint64_t n = 1 + r.Below(4); n != 0; n--) {
    s->Add(Kind::kTransport, r.Below(2), 1 + r.Below(3));
    s->Add(Kind::kStatus);  // time passes
  }
  s->Add(Kind::kSettle);
}

}  // namespace

// What a target gets wrong only as long as nothing has happened to it.
std::vector<Op> DrawFirstScene(const Config& config, Random& random) {
  Scene scene{config, {}};
  if (!config.main_faults || config.block_size <= config.unit()) return {};
  const std::uint64_t block = random.Below(config.length / config.block_size);
  if (config.spares.back().logical > config.spares.front().logical && random.OneIn(2))
    FineOnCoarse(&scene, random, block);
  else
    FailAmongWrites(&scene, random, block);
  return scene.ops;
}

std::vector<Op> DrawScene(const Config& config, Random& random) {
  Scene scene{config, {}};
  const std::uint64_t n = 1 + random.Below(2);
  const std::uint64_t block = random.Below(config.length / config.block_size - n);
  if (config.main_faults && block + 2 < config.length / config.block_size && random.OneIn(5))
    ScrubOverBadLink(&scene, random, block);
  else if (random.OneIn(4))
    LevelAmidWrites(&scene, random, block);
  else if (config.spares.size() > 1 && random.OneIn(3))
    EvacuateAmidWrites(&scene, random, block, n);
  else if (config.power_cuts && random.OneIn(4))
    ReloadAndCut(&scene, random, block);
  else if (config.spare_faults && config.power_cuts && random.OneIn(3))
    CutOnLastMirror(&scene, random, random.Below(2) * block);
  else if (config.spare_faults && random.OneIn(2))
    FailCommit(&scene, random, block, n);
  else if (config.main_faults && config.block_size > config.unit() && random.OneIn(3))
    GrowAndCut(&scene, random, block);
  else if (config.main_faults && config.block_size > config.unit() && random.OneIn(2))
    FailAmongWrites(&scene, random, block);
  else
    MoveAndCut(&scene, random, block);
  return scene.ops;
}

}  // namespace remapfleet::sim
