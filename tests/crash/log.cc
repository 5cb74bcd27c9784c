#include "tests/crash/log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/sim/content.h"

namespace remapfleet::crash {
namespace {

// As drivers/md/dm-log-writes.c writes them, little endian.
constexpr std::uint64_t kMagic = 0x6a736677736872;
struct Super {
  std::uint64_t magic, version, entries;
  std::uint32_t sector_size;
};
struct Header {
  std::uint64_t sector, sectors, flags, data_bytes;
};
enum Flag : std::uint64_t { kFlush = 1, kFua = 2, kDiscard = 4, kMark = 8, kMetadata = 16 };

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "crash_replay: %s\n", what.c_str());
  std::exit(2);
}

}  // namespace

Log::Log(const std::string& path) : base_(nullptr), size_(0) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat st {};
  if (fd < 0 || fstat(fd, &st) != 0) Die("cannot read " + path);
  size_ = static_cast<std::size_t>(st.st_size);
  void* base = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (base == MAP_FAILED) Die("cannot map " + path);
  base_ = static_cast<const std::uint8_t*>(base);
  Super super{};
  std::memcpy(&super, base_, sizeof(super));
  if (super.magic != kMagic || super.version != 1 || super.sector_size != sim::kSector)
    Die(path + " is no log of dm-log-writes with sectors of 512 bytes");
  std::size_t at = sim::kSector;
  for (std::uint64_t i = 0; i < super.entries; i++) {
    Header h{};
    if (at + sim::kSector > size_) Die("the log ends early");
    std::memcpy(&h, base_ + at, sizeof(h));
    Entry e;
    e.sector = h.sector;
    e.sectors = h.sectors;
    e.flush = (h.flags & kFlush) != 0;
    e.fua = (h.flags & kFua) != 0;
    e.discard = (h.flags & kDiscard) != 0;
    e.metadata = (h.flags & kMetadata) != 0;
    if ((h.flags & kMark) != 0)
      e.mark.assign(reinterpret_cast<const char*>(base_ + at + sizeof(h)), h.data_bytes);
    at += sim::kSector;
    if (!e.discard && e.sectors != 0) {
      e.data = base_ + at;
      at += e.sectors * sim::kSector;
    }
    entries_.push_back(std::move(e));
  }
  if (entries_.empty() || entries_.back().mark != "dm-log-writes-end") Die("the log was not ended");
}

Log::~Log() { munmap(const_cast<std::uint8_t*>(base_), size_); }

}  // namespace remapfleet::crash
