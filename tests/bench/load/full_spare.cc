// Writes the image of a spare all of whose slots hold a block each: bench_full_spare FILE SLOTS.
// The blocks lie scattered over a main of eight times as many, as the worst case for what is built
// from them. Prints the image's and main's size in sectors.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "format.h"

namespace {

constexpr std::uint32_t kBlockSectors = 8;
constexpr std::uint32_t kCopies = 2;
constexpr std::uint64_t kSpread = 8;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Image {
 public:
  Image(const char* path, std::uint64_t slots)
      : fd_(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (fd_ < 0) Die(path);
    super_.set_uuid[0] = super_.spare_uuid[0] = 7;
    super_.gen = 5;
    super_.set.gen = super_.set.n = 1;
    super_.main_sectors = super_.target_sectors = slots * kSpread * kBlockSectors;
    super_.main_lbs = super_.main_pbs = 512;
    super_.block_size = kBlockSectors;
    super_.copies = kCopies;
    super_.mirror_mask = (1U << kCopies) - 1;
    super_.slots = slots;
    super_.sectors = (slots + slots / 16 + 4096) * kBlockSectors;
    super_.set.area[0].id = rm_uuid_id(super_.spare_uuid);
    super_.set.area[0].sectors = super_.sectors;
    super_.pending_pages = rm_pending_pages_for(super_.sectors);
    if (rm_layout_exact(&layout_, super_.sectors, kBlockSectors, kCopies, super_.pending_pages,
                        slots) != 0) {
      std::fputs("it does not fit\n", stderr);
      std::exit(1);
    }
    if (ftruncate(fd_, static_cast<off_t>(super_.sectors * 512)) != 0) Die(path);
  }
  ~Image() { close(fd_); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  void Write() {
    for (std::uint32_t page = 0; page < layout_.slot_pages + layout_.pending_pages; page++) {
      for (unsigned copy = 0; copy < 2; copy++) WritePage(page, copy);
    }
    std::array<unsigned char, RM_SB_BYTES> sb{};
    rm_super_encode(&super_, sb.data());
    for (unsigned end = 0; end < 2; end++) {
      for (unsigned copy = 0; copy < 2; copy++) {
        Put(rm_layout_super(&layout_, end, copy), sb.data(), sb.size());
      }
    }
  }

  const rm_super& super() const { return super_; }

 private:
  void WritePage(std::uint32_t page, unsigned copy) {
    std::array<unsigned char, RM_PAGE_BYTES> image{};
    const bool slots = page < layout_.slot_pages;
    for (std::uint64_t i = 0; slots && i < RM_SLOTS_PER_PAGE; i++) {
      const std::uint64_t slot = page * std::uint64_t{RM_SLOTS_PER_PAGE} + i;
      if (slot >= super_.slots) break;
      rm_slot_record rec{};
      // Odd, so that slots times it visits every block once.
      rec.block = slot * 2654435761U % (super_.slots * kSpread);
      rec.mask = 0xff;
      rec.seq = slot + 1;
      rec.state = RM_SLOT_USED;
      rm_slot_set(image.data(), static_cast<unsigned>(i), &rec);
    }
    const rm_page_header h = {super_.spare_uuid, page, 2 - std::uint64_t{copy},
                              slots ? RM_PAGE_SLOTS : RM_PAGE_PENDING};
    rm_page_seal(image.data(), &h);
    for (unsigned mirror = 0; mirror < kCopies; mirror++) {
      Put(rm_layout_page(&layout_, mirror, page, copy), image.data(), image.size());
    }
  }

  void Put(std::uint64_t sector, const unsigned char* data, std::size_t size) {
    if (pwrite(fd_, data, size, static_cast<off_t>(sector * 512)) != static_cast<ssize_t>(size)) {
      Die("pwrite");
    }
  }

  const int fd_;
  rm_super super_{};
  rm_layout layout_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("bench_full_spare FILE SLOTS\n", stderr);
    return 2;
  }
  Image image(argv[1], std::strtoull(argv[2], nullptr, 10));
  image.Write();
  std::printf("%llu %llu\n", static_cast<unsigned long long>(image.super().sectors),
              static_cast<unsigned long long>(image.super().main_sectors));
}
