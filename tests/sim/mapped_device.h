// The device mapper: tables, suspend and resume, splitting of bios, and what callers see of it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "tests/sim/disk.h"
#include "tests/sim/module.h"

struct dm_table {
  dm_target ti;
  std::string name;
  std::vector<dm_dev*> devices;
  unsigned users;  // messages and status queries under way
  std::uint64_t events;
};

namespace remapfleet::sim {

// Memory that I/O may be done with.
template <class T>
struct SectorAligned {
  using value_type = T;
  SectorAligned() = default;
  template <class U>
  explicit SectorAligned(const SectorAligned<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{kSector}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{kSector}); }
  bool operator==(const SectorAligned&) const { return true; }
};

// What a caller sends; sectors from the start of the target.
struct Request {
  unsigned op = REQ_OP_READ;
  unsigned flags = 0;
  std::uint64_t sector = 0;
  unsigned sectors = 0;
  std::vector<std::uint8_t, SectorAligned<std::uint8_t>> data;  // for reads: what came back
  blk_status_t status = BLK_STS_OK;
  std::function<void(Request*)> done;
};

class MappedDevice {
 public:
  MappedDevice(Module* module, std::string name, std::uint64_t begin);
  ~MappedDevice();
  void AddDisk(Disk* disk) { disks_.push_back(disk); }

  // All of these are called from within a task, and wait.
  int Load(std::uint64_t len, const std::string& line, std::string* error);  // dmsetup load
  int Resume();  // takes the loaded table, if any
  int Suspend();
  int Remove();
  int Message(const std::string& line, std::string* reply);
  std::string Status(status_type_t type);

  void Submit(Request* request);  // from anywhere; done() is called when it is answered

  bool active() const { return live_ != nullptr && !suspended_; }
  bool live() const { return live_ != nullptr; }
  unsigned pending() const { return pending_; }
  std::uint64_t events() const { return live_ ? live_->events : 0; }
  // After a power cut there is nothing to destroy, only to forget.
  void Forget();

 private:
  struct Io;
  struct Clone;
  friend struct CloneAccess;
  static void CloneEnd(bio* bio);
  void Start(Request* request);
  void SendFlushes(Io* io);
  void SendData(Io* io);
  void Map(Io* io, unsigned nr, std::uint64_t sector, unsigned* sectors);
  void Drop(Io* io, blk_status_t status);
  void Destroy(dm_table* table);
  Disk* Find(const std::string& name) const;
  friend int ::dm_get_device(dm_target*, const char*, fmode_t, dm_dev**);

  Module* module_;
  std::string name_;
  std::uint64_t begin_;
  std::vector<Disk*> disks_;
  dm_table* live_ = nullptr;
  dm_table* loaded_ = nullptr;
  bool suspended_ = true;
  bool blocked_ = true;
  bool busy_ = false;  // a change of state is under way
  unsigned pending_ = 0;
};

}  // namespace remapfleet::sim
