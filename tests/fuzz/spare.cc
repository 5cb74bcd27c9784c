// A spare's image, through all of what remapck does with it, repair included.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" {
#include "kmod/tools/spare.h"
}

namespace {

constexpr std::size_t kImage = 512 * 512;

void Put32(std::uint8_t* at, std::uint32_t v) { std::memcpy(at, &v, sizeof(v)); }

// Checksums as they would be, where a structure begins.
void Seal(std::vector<std::uint8_t>* image) {
  for (std::size_t at = 0; at + 4096 <= image->size(); at += 4096) {
    std::uint8_t* p = image->data() + at;
    if (std::memcmp(p, "RMAPSB", 6) == 0) {
      Put32(p + 8, 0);
      Put32(p + 8, ~rm_crc32c(~0U, p, 512));
    } else if (std::memcmp(p, "RMPG", 4) == 0) {
      Put32(p + 4, 0);
      Put32(p + 4, ~rm_crc32c(~0U, p, 4096));
    }
  }
}

}  // namespace

// The input is a list of pieces: a place (2 bytes, in 64ths of 4 KiB), a length, that many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> image(kImage);
  while (size > 3) {
    const std::size_t to = (data[0] | std::size_t{data[1]} << 8) * 64 % kImage;
    const std::size_t n = std::min({static_cast<std::size_t>(data[2]), size - 3, kImage - to});
    std::memcpy(image.data() + to, data + 3, n);
    data += 3 + n;
    size -= 3 + n;
  }
  Seal(&image);
  static const int fd = memfd_create("spare", MFD_CLOEXEC);
  if (pwrite(fd, image.data(), image.size(), 0) != static_cast<ssize_t>(image.size())) std::abort();
  static FILE* null = fopen("/dev/null", "w");
  spare s{};
  s.fd = fd;
  s.sectors = kImage / 512;
  s.log = null;
  if (spare_check(&s) == 0) {
    spare_dump(&s, null);
    const bool mends = s.damage != 0 && s.fatal == 0 && spare_repair(&s) == 0;
    if (mends) {
      // once mended, nothing is left to mend
      spare again{};
      again.fd = fd;
      again.sectors = kImage / 512;
      again.log = null;
      if (spare_check(&again) != 0 || again.damage != 0) std::abort();
      spare_free(&again);
    }
  }
  spare_free(&s);
  return 0;
}
