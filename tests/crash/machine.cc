#include "tests/crash/machine.h"

#include <algorithm>
#include <cstring>

#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

namespace remapfleet::crash {
namespace {

constexpr unsigned kRead = 128;  // sectors at once

}  // namespace

std::string Show(const Point& p) {
  static const char* const survives[] = {"all that is logged", "nothing of the caches",
                                         "any part of the caches"};
  return "entry " + std::to_string(p.at) + ", " + survives[static_cast<int>(p.survives)] +
         (p.faults ? ", bad sectors as then" : ", no bad sectors") +
         (p.twice ? ", removed and loaded again" : "") + ", seed " + std::to_string(p.seed);
}

Machine::Machine(sim::Module* module, const History& history) : module_(module), history_(history) {
  device_ = std::make_unique<sim::MappedDevice>(module, "r", 0);
  for (const SliceShape& slice : history.slices()) {
    sim::DiskShape shape;
    shape.sectors = slice.sectors;
    disks_.push_back(std::make_unique<sim::Disk>(slice.name, shape));
    device_->AddDisk(disks_.back().get());
  }
}

void Machine::Put(const Point& point, Medium* medium, const Excuses& excuses) {
  sim::Random random(point.seed);
  const auto changes = medium->Crash(point.survives, &random);
  for (std::size_t i = 0; i < disks_.size(); i++) {
    disks_[i]->Reset();
    disks_[i]->ClearFaults(0, UINT64_MAX);
    disks_[i]->SetBase(medium->Durable(i));
  }
  for (const Change& c : changes) disks_[c.slice]->Fill(c.sector, c.data, 1);
  if (!point.faults) return;
  sim::Fault fault;
  fault.status = BLK_STS_IOERR;
  fault.writes = true;
  for (std::uint64_t s = 0; s < history_.target_sectors(); s++)
    if (excuses.Bad(s)) disks_[0]->SetFault(history_.data_offset() + s, 1, fault);
}

void Machine::Boot() {
  sim::World& world = sim::World::Get();
  bool up = false;
  world.Spawn("dmsetup create", sim::Context::kProcess, [&] {
    std::string error;
    int r = device_->Load(history_.target_sectors(), history_.table(), &error);
    if (r == 0) r = device_->Resume();
    if (r != 0) world.NoteFailure("it does not load: " + error + " (" + std::to_string(r) + ")");
    up = true;
  });
  world.RunUntil([&] { return up; }, "the boot");
}

void Machine::ReadPart(const std::vector<std::uint64_t>& starts, unsigned sectors,
                       sim::Model* model, std::vector<std::uint64_t>* failed) {
  sim::World& world = sim::World::Get();
  std::vector<sim::Request*> free;
  for (auto& r : requests_) free.push_back(&r);
  for (const std::uint64_t start : starts) {
    world.RunUntil([&] { return !free.empty(); }, "reads");
    if (world.failed()) break;
    sim::Request* r = free.back();
    free.pop_back();
    r->op = REQ_OP_READ;
    r->flags = 0;
    r->sector = start;
    r->sectors =
        static_cast<unsigned>(std::min<std::uint64_t>(sectors, history_.target_sectors() - start));
    r->data.resize(r->sectors * sim::kSector);
    std::memset(r->data.data(), 0xcc, r->data.size());
    const std::uint64_t token = model->BeginRead();
    r->done = [&, token](sim::Request* done) {
      free.push_back(done);
      if (done->status != BLK_STS_OK) {
        model->DropRead(token);
        failed->push_back(done->sector);
        return;
      }
      const std::string wrong =
          model->EndRead(token, done->sector, done->sectors, done->data.data());
      if (!wrong.empty()) world.NoteFailure(wrong);
    };
    device_->Submit(r);
  }
  world.RunUntil([&] { return free.size() == requests_.size(); }, "the last reads");
}

void Machine::ReadAll(const Excuses& excuses, sim::Model* model) {
  std::vector<std::uint64_t> starts, failed, single;
  for (std::uint64_t s = 0; s < history_.target_sectors(); s += kRead) starts.push_back(s);
  ReadPart(starts, kRead, model, &failed);
  starts.clear();
  for (const std::uint64_t at : failed)
    for (std::uint64_t s = at; s < std::min(at + kRead, history_.target_sectors()); s++)
      starts.push_back(s);
  ReadPart(starts, 1, model, &single);
  for (const std::uint64_t s : single) {
    if (!excuses.MayFail(s))
      sim::World::Get().NoteFailure(
          "sector " + std::to_string(s) +
          " gives an error though nothing was wrong there; possible: " + model->Describe(s));
  }
}

void Machine::Remove() {
  sim::World& world = sim::World::Get();
  bool removed = false;
  world.Spawn("dmsetup remove", sim::Context::kProcess, [&] {
    if (device_->Remove() != 0) world.NoteFailure("it cannot be removed");
    removed = true;
  });
  world.RunUntil([&] { return removed; }, "removal");
}

void Machine::PowerOff() {
  sim::World::Get().Kill();
  sim::DropKernelWork();
  sim::DropRcu();
  // what was under way on the disks goes with what is there
  sim::Random none(0);
  for (auto& disk : disks_) disk->PowerCut(none);
  device_->Forget();
  sim::DropKernelMemory();
  module_->Reboot();
}

std::string Machine::Check(const Point& point, Medium* medium, const Excuses& excuses,
                           sim::Model model) {
  sim::World& world = sim::World::Get();
  world.ClearFailure();
  world.Restart(point.seed);
  sim::SeedKernelRandom(point.seed ^ 0x1234);
  world.set_preemption(0);
  model.Crash();
  Put(point, medium, excuses);
  Boot();
  if (!world.failed()) ReadAll(excuses, &model);
  if (point.twice && !world.failed()) {
    Remove();
    if (!world.failed()) Boot();
    if (!world.failed()) ReadAll(excuses, &model);
  }
  const std::string failure = world.failure();
  PowerOff();
  return failure;
}

}  // namespace remapfleet::crash
