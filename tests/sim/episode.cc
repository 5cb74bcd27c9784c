#include "tests/sim/episode.h"

#include <algorithm>

#include "kmod/uapi/remap_status.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

namespace remapfleet::sim {

struct Episode::Pending {
  Op op;
  Request request;
  std::uint64_t token = 0;
  Weather::Before before{};
  bool preflush = false;
  std::uint64_t flush_token = 0;
};

void Counts::Add(const Counts& o) {
  ops += o.ops, reads += o.reads, writes += o.writes, errors += o.errors,
      power_cuts += o.power_cuts, boots += o.boots;
  remaps += o.remaps, messages += o.messages;
}

Episode::Episode(Module* module, Config config) : module_(module), config_(std::move(config)) {
  DropKernelWork();  // work queues come before disks, in the first episode as in later ones
  main_ = std::make_unique<Disk>("main", config_.main);
  spares_ = std::make_unique<Spares>(config_);
  device_ = std::make_unique<MappedDevice>(module, "r", config_.begin);
  device_->AddDisk(main_.get());
  for (auto& spare : spares_->disks()) device_->AddDisk(spare.get());
  model_ = std::make_unique<Model>(config_.length);
  weather_ = std::make_unique<Weather>(config_, main_.get());
  std::uint8_t data[kSector];
  for (std::uint64_t s = 0; s < config_.length; s++) {
    FillSector(s, kInitial, data);
    main_->Fill(config_.data_offset + s, data, 1);
  }
}

Episode::~Episode() {
  World::Get().Kill();
  DropKernelWork();
  DropRcu();
  DropKernelMemory();
  module_->Reboot();
  KernelMemory() = {};
}

void Episode::Wrong(const std::string& what) { World::Get().NoteFailure(what); }

std::string Episode::Run(const std::vector<Op>& ops, std::uint64_t schedule) {
  World& world = World::Get();
  world.ClearFailure();
  world.Restart(schedule);
  SeedKernelRandom(schedule ^ 0x1234);
  world.set_preemption(config_.preemption);
  Boot();
  world.RunUntil([this] { return up_; }, "the first boot");
  for (const Op& op : ops) {
    if (world.failed()) break;
    world.RunUntil([this] { return in_flight_ < config_.depth; }, "I/O");
    for (std::uint64_t n = world.random().Below(24); n != 0 && !world.failed(); n--)
      if (!world.Step() && (!world.random().OneIn(3) || !world.PassTime())) break;
    if (world.failed()) break;
    done_++;
    counts_.ops++;
    Issue(op);
  }
  if (!world.failed()) Finish();
  return world.failure();
}

void Episode::Issue(const Op& op) {
  switch (op.kind) {
    case Kind::kRead:
    case Kind::kWrite:
    case Kind::kFlush:
    case Kind::kDiscard:
    case Kind::kZeroes:
    case Kind::kErase:
      return Send(op);
    case Kind::kMessage:
      if (messages_ < 2 && up_) SendMessage(op.text);
      return;
    case Kind::kStatus:
      if (up_)
        World::Get().Spawn("status", Context::kProcess,
                           [this] { CheckStatus(device_->Status(STATUSTYPE_INFO)); });
      return;
    case Kind::kFault:
    case Kind::kSpareFault:
    case Kind::kTransport:
    case Kind::kGone:
      return SetFault(op);
    case Kind::kHeal:
    case Kind::kSpareHeal:
    case Kind::kBack:
      return Heal(op);
    case Kind::kSuspend:
    case Kind::kReload:
    case Kind::kRemove:
      if (up_ && !changing_) Change(op);
      return;
    case Kind::kPowerCut:
      return PowerCut();
    case Kind::kSettle:
      return Settle();
    case Kind::kWait:
      return World::Get().RunUntil([this] { return in_flight_ == 0 && messages_ == 0; },
                                   "I/O and messages");
    case Kind::kMemory:
      KernelMemory().fail_one_in = KernelMemory().fail_one_in != 0 ? 0 : 20;
      weather_->MemoryTrouble();
      return;
  }
}

void Episode::Send(const Op& op) {
  const bool drops = op.kind == Kind::kDiscard || op.kind == Kind::kErase;
  if (drops && !config_.main.discard) return;
  auto owned = std::make_unique<Pending>();
  Pending* p = owned.get();
  pending_.push_back(std::move(owned));
  in_flight_++;
  p->op = op;
  Request& r = p->request;
  r.sector = op.sector;
  r.sectors = static_cast<unsigned>(op.sectors);
  r.flags = op.flags;
  p->before = weather_->Begin();
  if (op.kind == Kind::kRead) {
    counts_.reads++;
    r.op = REQ_OP_READ;
    r.data.assign(op.sectors * kSector, 0xcc);
    p->token = model_->BeginRead();
  } else if (op.kind == Kind::kFlush) {
    r.op = REQ_OP_WRITE;
    r.flags = REQ_PREFLUSH;
    p->flush_token = model_->BeginFlush();
  } else {
    counts_.writes++;
    const std::uint64_t value = op.kind == Kind::kWrite ? model_->NewValue() : kZeros;
    r.op = op.kind == Kind::kWrite     ? REQ_OP_WRITE
           : op.kind == Kind::kDiscard ? REQ_OP_DISCARD
           : op.kind == Kind::kErase   ? REQ_OP_SECURE_ERASE
                                       : REQ_OP_WRITE_ZEROES;
    if (op.kind == Kind::kWrite) r.data.resize(op.sectors * kSector);
    for (std::uint64_t i = 0; i < op.sectors && op.kind == Kind::kWrite; i++)
      FillSector(op.sector + i, value, r.data.data() + i * kSector);
    if ((op.flags & REQ_PREFLUSH) != 0) p->flush_token = model_->BeginFlush();
    p->token = model_->BeginWrite(op.sector, op.sectors, value);
    if (!drops) weather_->WriteBegins(op.sector, op.sectors);
  }
  r.done = [this, p](Request* request) { Answer(p, request); };
  device_->Submit(&r);
}

void Episode::Answer(Pending* p, Request* request) {
  const Op& op = p->op;
  const bool good = request->status == BLK_STS_OK;
  if (!good) counts_.errors++;
  std::string wrong;
  if (op.kind == Kind::kRead) {
    if (good) {
      wrong = model_->EndRead(p->token, op.sector, op.sectors, request->data.data());
      if (wrong.empty()) wrong = weather_->ReadSuccess(p->before, op.sector, op.sectors);
    } else {
      model_->DropRead(p->token);
      wrong = weather_->ReadError(p->before, op.sector, op.sectors, request->status);
    }
  } else if (op.kind == Kind::kFlush) {
    if (good) model_->EndFlush(p->flush_token);
  } else {
    if (good)
      model_->EndWrite(p->token, op.kind != Kind::kDiscard, (op.flags & REQ_FUA) != 0);
    else
      model_->RefuseWrite(p->token);
    if (good && p->flush_token != 0) model_->EndFlush(p->flush_token);
    if (op.kind != Kind::kDiscard && op.kind != Kind::kErase) {
      weather_->WriteEnds(p->before, op.sector, op.sectors, good);
      // a flush that came with it may have failed
      const bool flush_failed = p->flush_token != 0 && weather_->spare_trouble();
      if (!good && !flush_failed)
        wrong = weather_->WriteError(p->before, op.sector, op.sectors, request->status);
    }
  }
  in_flight_--;
  std::erase_if(pending_, [p](const auto& o) { return o.get() == p; });
  if (!wrong.empty()) Wrong(wrong);
}

void Episode::SendMessage(const std::string& text) {
  messages_++;
  counts_.messages++;
  weather_->MessageBegins(text);
  World::Get().Spawn("message", Context::kProcess, [this, text] {
    std::string reply;
    const int r = device_->Message(text, &reply);
    if (text == "nonsense" && r != -EINVAL) Wrong("message nonsense gives " + std::to_string(r));
    weather_->MessageDone(text, reply, r);
    messages_--;
  });
}

void Episode::Change(const Op& op) {
  changing_ = true;
  World::Get().Spawn("dmsetup", Context::kProcess, [this, kind = op.kind] {
    std::string error;
    int r = 0;
    const std::uint64_t trouble = KernelMemory().failed;
    const std::uint64_t passing = main_->passing_errors();
    BeginReload();
    if (kind == Kind::kReload) {
      spares_->Change(World::Get().random(), device_.get());
      r = device_->Load(config_.length, spares_->Table(device_->Status(STATUSTYPE_TABLE)), &error);
      if (r == 0) r = device_->Resume();
      if (r == 0) spares_->Settled();
    } else {
      r = device_->Suspend();
      if (r == 0 && kind == Kind::kRemove && messages_ == 0) {
        // nobody has it open: I/O waits for it to come back
        r = device_->Remove();
        const bool gone = KernelMemory().allocations == 0;
        if (r == 0 && !gone)
          Wrong("the destructor leaves " + std::to_string(KernelMemory().allocations) +
                " allocations");
        if (r == 0) r = device_->Load(config_.length, spares_->Table(), &error);
      }
      if (r == 0) r = device_->Resume();
    }
    // with room for it, main is asked for its signature
    const bool unknown = config_.data_offset >= 2048 && passing != main_->passing_errors();
    if (r != 0 && !weather_->spare_trouble() && trouble == KernelMemory().failed &&
        main_->gone() == BLK_STS_OK && !unknown)
      Wrong("suspend, reload or remove fails with " + std::to_string(r) + " " + error);
    model_->EndReload();
    changing_ = false;
    if (!device_->active()) {
      up_ = false;
      TryBoot();
    }
  });
}

void Episode::SetFault(const Op& op) {
  faults_set_++;
  if (op.device != 0) weather_->SpareTrouble();
  Disk* disk = Device(op.device);
  if (op.kind == Kind::kTransport)
    return disk->FailNext(static_cast<unsigned>(op.sectors),
                          op.sector % 2 ? BLK_STS_TIMEOUT : BLK_STS_TRANSPORT);
  if (op.kind == Kind::kGone) {
    if (op.device == 0) weather_->MainGone();
    return disk->SetGone(op.sector % 2 ? BLK_STS_IOERR : BLK_STS_OFFLINE);
  }
  const Fault fault{static_cast<blk_status_t>(op.flags & 8 ? BLK_STS_IOERR : BLK_STS_MEDIUM),
                    (op.flags & 1) != 0, (op.flags & 2) != 0, (op.flags & 4) != 0};
  if (op.device == 0) {
    weather_->FaultSet(op.sector, op.sectors, fault);
    disk->SetFault(config_.data_offset + op.sector, op.sectors, fault);
  } else {
    disk->SetFault(op.sector, op.sectors, fault);
  }
}

void Episode::Heal(const Op& op) {
  if (op.kind == Kind::kHeal) {
    main_->ClearFaults(config_.data_offset + op.sector, op.sectors);
    weather_->FaultsCleared(op.sector, op.sectors);
    return;
  }
  if (op.kind == Kind::kSpareHeal)
    for (auto& spare : spares_->disks()) spare->ClearFaults(0, UINT64_MAX);
  if (main_->gone() != BLK_STS_OK) weather_->MainBack();
  main_->SetGone(BLK_STS_OK);
  for (auto& spare : spares_->disks()) spare->SetGone(BLK_STS_OK);
}

void Episode::PowerCut() {
  counts_.power_cuts++;
  World& world = World::Get();
  world.Kill();
  DropKernelWork();
  DropRcu();
  main_->PowerCut(world.random());
  for (auto& spare : spares_->disks()) spare->PowerCut(world.random());
  device_->Forget();
  DropKernelMemory();
  module_->Reboot();
  model_->Crash();
  weather_->Crash();
  pending_.clear();
  in_flight_ = messages_ = 0;
  changing_ = up_ = false;
  boot_tries_ = 0;
  Boot();
}

void Episode::Boot() {
  World::Get().Spawn("dmsetup create", Context::kProcess, [this] { TryBoot(); });
}

// Anything that could keep it from loading; where the target's data is on main does not.
bool Episode::AnyTrouble() {
  bool trouble = main_->Passing();
  for (auto& spare : spares_->disks()) trouble |= spare->Passing() || spare->HasFaults();
  return trouble;
}

// In a task. If it fails where it may, again without faults, and then it has to load: whatever
// disks failed to write, and however often the power went.
void Episode::TryBoot() {
  counts_.boots++;
  std::string error;
  const std::uint64_t failed = KernelMemory().failed;
  const bool trouble = AnyTrouble();
  const unsigned faults_before = faults_set_;
  int r = 0;
  BeginReload();
  // what a change that was interrupted makes of the old table is open; the new one has to do
  const bool back = spares_->unsettled() && !device_->live() && World::Get().random().OneIn(2);
  if (back) spares_->GoBack();
  if (!device_->live()) r = device_->Load(config_.length, spares_->Table(), &error);
  if (r == 0) r = device_->Resume();
  if (r == 0) {
    spares_->Settled();
    model_->EndReload();
    up_ = true;
    return;
  }
  if (back) {
    spares_->GoBack();
    device_->Remove();
    return TryBoot();
  }
  bool faults =
      main_->gone() != BLK_STS_OK || failed != KernelMemory().failed || weather_->spare_trouble();
  // with room for it, main is asked for its signature
  faults |= main_->errors() != 0 && config_.data_offset >= 2048;
  if (!faults) return Wrong("it does not load: " + error + " (" + std::to_string(r) + ")");
  // more may have been made to fail since the last attempt
  if (boot_tries_++ != 0 && failed == KernelMemory().failed && !trouble &&
      faults_before == faults_set_) {
    return Wrong("it does not load, though nothing fails any more: " + error + " (" +
                 std::to_string(r) + ")");
  }
  KernelMemory().fail_one_in = 0;
  for (unsigned i = 0; i <= spares_->disks().size(); i++) {
    if (i != 0) Device(i)->ClearFaults(0, UINT64_MAX);
    Device(i)->FailNext(0, BLK_STS_OK);
    Device(i)->SetGone(BLK_STS_OK);
  }
  weather_->MainBack();
  device_->Remove();
  TryBoot();
}

// One mirror may know of a write that was refused since the others could not be told.
void Episode::BeginReload() {
  if (weather_->spare_trouble()) model_->BeginReload();
}

void Episode::Settle() {
  World& world = World::Get();
  world.RunUntil([&] { return up_ && in_flight_ == 0 && world.Idle(); }, "all to end");
  if (world.failed()) return;
  ReadAll();
  if (!world.failed())
    world.Spawn("status", Context::kProcess,
                [this] { CheckStatus(device_->Status(STATUSTYPE_INFO)); });
}

void Episode::ReadAll() {
  World& world = World::Get();
  Op op;
  for (std::uint64_t at = 0; at < config_.length && !world.failed(); at += op.sectors) {
    op.kind = Kind::kRead;
    op.sector = at;
    const std::uint64_t unit = config_.unit();
    op.sectors =
        std::min<std::uint64_t>(config_.length - at, unit * (1 + world.random().Below(64 / unit)));
    world.RunUntil([this] { return in_flight_ < 4; }, "reads");
    Send(op);
  }
  world.RunUntil([this] { return in_flight_ == 0; }, "the last reads");
}

void Episode::CheckStatus(const std::string& line) {
  if (line.empty()) return;  // no table was live
  remap_status st;
  if (remap_status_parse(line.c_str(), &st) != 0)
    return Wrong("a status line that breaks the grammar: " + line);
  counts_.remaps += st.remaps;
  if (changing_ || !up_) return;  // what is being loaded may be seen in part
  if (st.slots_used + st.slots_bad > st.slots) Wrong("more slots in use than there are: " + line);
  const std::uint64_t not_clean = st.remaps + st.pending + st.lost;
  if (!weather_->MayBeSpecial(not_clean))
    Wrong("a block that nothing was wrong with is not clean: " + line);
  if (st.health < 0 || st.health > 100) Wrong("health out of range: " + line);
}

// All is read, the device removed, nothing left behind, and what is read after that is the same.
void Episode::Finish() {
  World& world = World::Get();
  Settle();
  if (world.failed()) return;
  for (int round = 0; round < 2; round++) {
    bool removed = false;
    world.Spawn("dmsetup remove", Context::kProcess, [&] {
      device_->Remove();
      removed = true;
    });
    world.RunUntil([&] { return removed && world.Idle(); }, "removal");
    if (world.failed()) return;
    if (KernelMemory().allocations != 0)
      return Wrong("the destructor leaves " + std::to_string(KernelMemory().allocations) +
                   " allocations");
    if (round == 1) return;
    up_ = false;
    boot_tries_ = 0;
    Boot();
    world.RunUntil([this] { return up_; }, "the last boot");
    if (world.failed()) return;
    ReadAll();
  }
}

}  // namespace remapfleet::sim
