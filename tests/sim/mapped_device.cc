#include "tests/sim/mapped_device.h"

#include <cstdlib>
#include <sstream>
#include <utility>

#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

extern "C" void sim_bio_is_owned(bio* b);

namespace remapfleet::sim {

// One request on its way; as many clones as it was split into.
struct MappedDevice::Io {
  MappedDevice* md;
  Request* request;
  unsigned clones = 1;  // and the one who sends them
  bool flushed = false;
  blk_status_t status = BLK_STS_OK;
  std::vector<bio_vec> vectors;
};

// Stands behind the target's own data and before the bio.
struct MappedDevice::Clone {
  Io* io;
  dm_target* ti;
  unsigned nr;
  unsigned* sectors;  // while in map(): what dm_accept_partial_bio() changes
  bio b;
};

namespace {

std::vector<std::string> Words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<char*> Argv(std::vector<std::string>* words) {
  std::vector<char*> argv;
  for (auto& word : *words) argv.push_back(word.data());
  return argv;
}

MappedDevice* device_of_ctr = nullptr;
bool False(void* flag) { return !*static_cast<bool*>(flag); }
bool Zero(void* n) { return *static_cast<unsigned*>(n) == 0; }

}  // namespace

MappedDevice::MappedDevice(Module* module, std::string name, std::uint64_t begin)
    : module_(module), name_(std::move(name)), begin_(begin) {}

MappedDevice::~MappedDevice() { Forget(); }

void MappedDevice::Forget() {
  delete live_;
  delete loaded_;
  live_ = loaded_ = nullptr;
  suspended_ = blocked_ = true;
  busy_ = false;
  pending_ = 0;
}

Disk* MappedDevice::Find(const std::string& name) const {
  for (Disk* disk : disks_)
    if (disk->name() == name) return disk;
  return nullptr;
}

int MappedDevice::Load(std::uint64_t len, const std::string& line, std::string* error) {
  auto words = Words(line);
  auto argv = Argv(&words);
  auto* table = new dm_table{};
  const target_type& type = module_->target();
  table->name = name_;
  table->ti.table = table;
  table->ti.type = const_cast<target_type*>(&type);
  table->ti.begin = begin_;
  table->ti.len = len;
  table->ti.error = const_cast<char*>("no reason given");
  device_of_ctr = this;
  // nobody else loads a table meanwhile: the name of the device is found through this
  const int r = type.ctr(&table->ti, static_cast<unsigned>(argv.size()), argv.data());
  if (r != 0) {
    if (error != nullptr) *error = table->ti.error != nullptr ? table->ti.error : "?";
    if (!table->devices.empty()) World::Get().Fail("the constructor failed and kept a device");
    delete table;
    return r;
  }
  if (loaded_ != nullptr) Destroy(std::exchange(loaded_, nullptr));
  loaded_ = table;
  return 0;
}

void MappedDevice::Destroy(dm_table* table) {
  sim_wait(Zero, &table->users, "users of a table");
  module_->target().dtr(&table->ti);
  if (!table->devices.empty()) World::Get().Fail("the destructor kept a device");
  delete table;
}

int MappedDevice::Suspend() {
  sim_wait(False, &busy_, "another change of state");
  if (live_ == nullptr || suspended_) return -EINVAL;
  busy_ = true;
  const target_type& type = module_->target();
  if (type.presuspend != nullptr) type.presuspend(&live_->ti);
  blocked_ = true;
  sim_wait(Zero, &pending_, "I/O before suspend");
  if (type.postsuspend != nullptr) type.postsuspend(&live_->ti);
  suspended_ = true;
  busy_ = false;
  return 0;
}

int MappedDevice::Resume() {
  if (loaded_ != nullptr && live_ != nullptr && !suspended_) {
    const int r = Suspend();
    if (r != 0) return r;
  }
  sim_wait(False, &busy_, "another change of state");
  busy_ = true;
  dm_table* old = nullptr;
  if (loaded_ != nullptr) {
    if (live_ != nullptr) sim_wait(Zero, &live_->users, "users of the old table");
    old = std::exchange(live_, std::exchange(loaded_, nullptr));
  }
  int r = live_ != nullptr ? 0 : -ENXIO;
  const target_type& type = module_->target();
  if (r == 0 && suspended_) {
    if (type.preresume != nullptr) r = type.preresume(&live_->ti);
    if (r == 0) {
      if (type.resume != nullptr) type.resume(&live_->ti);
      suspended_ = false;
      blocked_ = false;
    }
  }
  if (old != nullptr) Destroy(old);
  busy_ = false;
  return r;
}

int MappedDevice::Remove() {
  if (live_ != nullptr && !suspended_) {
    const int r = Suspend();
    if (r != 0) return r;
  }
  // out of everybody's sight first
  if (loaded_ != nullptr) Destroy(std::exchange(loaded_, nullptr));
  if (live_ != nullptr) Destroy(std::exchange(live_, nullptr));
  suspended_ = blocked_ = true;
  return 0;
}

int MappedDevice::Message(const std::string& line, std::string* reply) {
  if (live_ == nullptr) return -ENXIO;
  auto words = Words(line);
  auto argv = Argv(&words);
  dm_table* table = live_;
  table->users++;
  char result[4096] = "";
  const int r = module_->target().message(&table->ti, static_cast<unsigned>(argv.size()),
                                          argv.data(), result, sizeof(result));
  table->users--;
  if (r > 1) World::Get().Fail("message " + line + " returned " + std::to_string(r));
  if (r >= 0 && result[0] == '\0') World::Get().Fail("message " + line + " gave an empty reply");
  if (reply != nullptr) *reply = result;
  return r < 0 ? r : 0;
}

std::string MappedDevice::Status(status_type_t type) {
  if (live_ == nullptr) return "";
  dm_table* table = live_;
  table->users++;
  char result[4096] = "";
  module_->target().status(&table->ti, type, 0, result, sizeof(result));
  table->users--;
  return result;
}

void MappedDevice::Submit(Request* request) {
  World::Get().Spawn("submit_bio", Context::kProcess, [this, request] { Start(request); });
}

void MappedDevice::Start(Request* request) {
  sim_wait(False, &blocked_, "resume");
  pending_++;
  auto* io = new Io{this, request, 1, false, BLK_STS_OK, {}};
  auto* at = request->data.data();
  for (std::size_t left = request->data.size(); left != 0;) {
    // segments of odd sizes, across pages
    const std::size_t n =
        std::min<std::size_t>(left, kSector * (1 + World::Get().random().Below(12)));
    io->vectors.push_back({virt_to_page(at), static_cast<unsigned>(n), sim_offset_in_page(at)});
    at += n;
    left -= n;
  }
  World::Get().current()->context = Context::kSubmit;
  if ((request->flags & REQ_PREFLUSH) != 0)
    SendFlushes(io);
  else
    SendData(io);
}

void MappedDevice::SendFlushes(Io* io) {
  const unsigned n = live_->ti.num_flush_bios;
  for (unsigned nr = 0; nr < n; nr++) Map(io, nr, 0, nullptr);
  Drop(io, BLK_STS_OK);
}

void MappedDevice::SendData(Io* io) {
  const Request& r = *io->request;
  io->flushed = true;
  if (r.op != REQ_OP_READ && r.op != REQ_OP_WRITE) {
    const dm_target& ti = live_->ti;
    const unsigned n = r.op == REQ_OP_DISCARD ? (ti.discards_supported ? ti.num_discard_bios : 0)
                       : r.op == REQ_OP_SECURE_ERASE ? ti.num_secure_erase_bios
                                                     : ti.num_write_zeroes_bios;
    if (n == 0) return Drop(io, BLK_STS_NOTSUPP);
    for (unsigned nr = 0; nr < n; nr++) Map(io, nr, r.sector, nullptr);
    return Drop(io, BLK_STS_OK);
  }
  for (unsigned done = 0; done < r.sectors;) {
    unsigned n = r.sectors - done;
    Map(io, 0, r.sector + done, &n);
    done += n;
  }
  Drop(io, BLK_STS_OK);
}

// *sectors: how many; the target may take fewer. Null for what may not be split.
void MappedDevice::Map(Io* io, unsigned nr, std::uint64_t sector, unsigned* sectors) {
  dm_target* ti = &live_->ti;
  const Request& r = *io->request;
  const bool flush = !io->flushed;
  const std::size_t own = (ti->per_io_data_size + 15) / 16 * 16;
  auto* memory =
      static_cast<char*>(sim_alloc(own + sizeof(Clone), GFP_NOWAIT | __GFP_NOFAIL, false));
  auto* clone = reinterpret_cast<Clone*>(memory + own);
  clone->io = io;
  clone->ti = ti;
  clone->nr = nr;
  clone->sectors = sectors;
  bio* b = &clone->b;
  bio_init(b, nullptr, io->vectors.data(), static_cast<unsigned short>(io->vectors.size()),
           flush ? REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC : r.op | (r.flags & ~REQ_PREFLUSH));
  b->bi_vcnt = b->bi_max_vecs;
  b->bi_end_io = CloneEnd;
  if (!flush) {
    b->bi_iter.bi_sector = r.sector;
    b->bi_iter.bi_size = r.sectors * static_cast<unsigned>(kSector);
    bio_advance_iter(b, &b->bi_iter,
                     static_cast<unsigned>(sector - r.sector) * static_cast<unsigned>(kSector));
    b->bi_iter.bi_sector = begin_ + sector;
  }
  io->clones++;
  const int result = ti->type->map(ti, b);
  switch (result) {
    case DM_MAPIO_SUBMITTED:
      break;
    case DM_MAPIO_REMAPPED:
      submit_bio(b);
      break;
    case DM_MAPIO_KILL:
      b->bi_status = BLK_STS_IOERR;
      bio_endio(b);
      break;
    default:
      World::Get().Fail("map() returned " + std::to_string(result));
  }
}

void MappedDevice::CloneEnd(bio* b) {
  Clone* clone = container_of(b, Clone, b);
  dm_target* ti = clone->ti;
  blk_status_t status = b->bi_status;
  int r = DM_ENDIO_DONE;
  Task* task = World::Get().current();
  const Context context = task->context;
  if (context == Context::kProcess || context == Context::kReclaim)
    task->context = Context::kSubmit;  // may not sleep here
  sim_bio_is_owned(b);                 // the target's to end once more, if it says so
  if (ti->type->end_io != nullptr) r = ti->type->end_io(ti, b, &status);
  task->context = context;
  if (r == DM_ENDIO_INCOMPLETE) return;
  if (r != DM_ENDIO_DONE) World::Get().Fail("end_io() returned " + std::to_string(r));
  Io* io = clone->io;
  const std::size_t own = (ti->per_io_data_size + 15) / 16 * 16;
  b->sim_state = 0;
  sim_free(reinterpret_cast<char*>(clone) - own, false);
  io->md->Drop(io, status);
}

void MappedDevice::Drop(Io* io, blk_status_t status) {
  if (status != BLK_STS_OK && io->status == BLK_STS_OK) io->status = status;
  if (--io->clones != 0) return;
  Request* request = io->request;
  MappedDevice* md = io->md;
  if (io->status == BLK_STS_OK && !io->flushed && request->sectors != 0) {
    // the flush is done, now the data; as a request of its own, since a suspend may come between
    delete io;
    md->pending_--;
    request->flags &= ~REQ_PREFLUSH;
    md->Submit(request);
    return;
  }
  request->status = io->status;
  delete io;
  md->pending_--;
  request->done(request);
}

struct CloneAccess {
  static unsigned* Sectors(bio* b) { return container_of(b, MappedDevice::Clone, b)->sectors; }
  static unsigned Nr(const bio* b) {
    return container_of(const_cast<bio*>(b), MappedDevice::Clone, b)->nr;
  }
  static void* Data(bio* b, std::size_t size) {
    auto* clone = container_of(b, MappedDevice::Clone, b);
    if (size > clone->ti->per_io_data_size)
      World::Get().Fail("dm_per_bio_data() of more than was asked for");
    return reinterpret_cast<char*>(clone) - (clone->ti->per_io_data_size + 15) / 16 * 16;
  }
};

}  // namespace remapfleet::sim

using remapfleet::sim::CloneAccess;
using remapfleet::sim::World;

extern "C" {

int dm_get_device(dm_target* ti, const char* path, fmode_t mode, dm_dev** result) {
  auto* disk = remapfleet::sim::device_of_ctr->Find(path);
  if (disk == nullptr) return -ENODEV;
  for (dm_dev* known : ti->table->devices) {
    if (known->bdev != disk->bdev()) continue;
    *result = known;
    return 0;
  }
  auto* dev = static_cast<dm_dev*>(kzalloc(sizeof(dm_dev), GFP_KERNEL | __GFP_NOFAIL));
  dev->bdev = disk->bdev();
  dev->mode = mode;
  strscpy(dev->name, path, sizeof(dev->name));
  ti->table->devices.push_back(dev);
  *result = dev;
  return 0;
}

void dm_put_device(dm_target* ti, dm_dev* dev) {
  if (std::erase(ti->table->devices, dev) == 0)
    World::Get().Fail("dm_put_device() of a device that was not taken");
  kfree(dev);
}

fmode_t dm_table_get_mode(dm_table*) { return FMODE_READ | FMODE_WRITE; }
const char* dm_table_device_name(dm_table* t) { return t->name.c_str(); }
void dm_table_event(dm_table* t) {
  World::Get().MaySleep("dm_table_event");
  t->events++;
}
void* dm_per_bio_data(bio* b, size_t size) { return CloneAccess::Data(b, size); }
unsigned dm_bio_get_target_bio_nr(const bio* b) { return CloneAccess::Nr(b); }

void dm_accept_partial_bio(bio* b, unsigned sectors) {
  unsigned* total = CloneAccess::Sectors(b);
  if (total == nullptr) World::Get().Fail("dm_accept_partial_bio() of a bio that may not be split");
  if (sectors == 0 || sectors > *total)
    World::Get().Fail("dm_accept_partial_bio() of none, or of more than there is");
  *total = sectors;
  b->bi_iter.bi_size = sectors << SECTOR_SHIFT;
}

int dm_noflush_suspending(dm_target*) { return 0; }
void dm_submit_bio_remap(bio* clone, bio* b) { submit_bio(b != nullptr ? b : clone); }
int dm_set_target_max_io_len(dm_target* ti, sector_t len) {
  ti->max_io_len = static_cast<u32>(len);
  return 0;
}
}
