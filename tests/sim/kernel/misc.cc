#include <nmmintrin.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "tests/sim/kernel.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

using remapfleet::sim::Random;
using remapfleet::sim::World;

namespace {

bool keep_log = false;
std::string kernel_log;
Random random_bytes(1);

// Where index is or would be.
unsigned long Place(const xarray* xa, unsigned long index) {
  return static_cast<unsigned long>(std::lower_bound(xa->index, xa->index + xa->n, index) -
                                    xa->index);
}

}  // namespace

namespace remapfleet::sim {
void KeepKernelLog(bool keep) { keep_log = keep; }
std::string TakeKernelLog() { return std::exchange(kernel_log, {}); }
void SeedKernelRandom(std::uint64_t seed) { random_bytes = Random(seed); }
}  // namespace remapfleet::sim

extern "C" {

void sim_fail(const char* fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  std::vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  World::Get().Fail(text);
}

void sim_log(char level, const char* fmt, ...) {
  if (!keep_log) return;
  char text[512];
  va_list args;
  va_start(args, fmt);
  std::vsnprintf(text, sizeof(text), fmt, args);
  va_end(args);
  kernel_log += std::string(1, level) + " " + text + "\n";
}

ktime_t ktime_get() {
  World::Get().Tick();
  return static_cast<ktime_t>(World::Get().now());
}
time64_t ktime_get_real_seconds() { return 1'800'000'000 + ktime_get() / NSEC_PER_SEC; }
u32 get_random_u32() { return static_cast<u32>(random_bytes.Next()); }
void generate_random_uuid(unsigned char uuid[16]) {
  for (int i = 0; i < 16; i++) uuid[i] = static_cast<unsigned char>(get_random_u32());
}

__attribute__((target("sse4.2"))) u32 crc32c(u32 crc, const void* data, unsigned len) {
  const auto* p = static_cast<const unsigned char*>(data);
  unsigned long long c = crc;
  for (; len >= 8; len -= 8, p += 8) {
    unsigned long long v;
    std::memcpy(&v, p, 8);
    c = _mm_crc32_u64(c, v);
  }
  for (; len != 0; len--) c = _mm_crc32_u8(static_cast<u32>(c), *p++);
  return static_cast<u32>(c);
}

int vscnprintf(char* buf, size_t size, const char* fmt, va_list args) {
  const int n = std::vsnprintf(buf, size, fmt, args);
  if (size == 0) return 0;
  return n < static_cast<int>(size) ? n : static_cast<int>(size) - 1;
}

int scnprintf(char* buf, size_t size, const char* fmt, ...) {
  va_list args;
  va_start(args, fmt);
  const int n = vscnprintf(buf, size, fmt, args);
  va_end(args);
  return n;
}

ssize_t strscpy(char* to, const char* from, size_t size) {
  const size_t n = strnlen(from, size);
  if (size == 0) return -E2BIG;
  std::memcpy(to, from, std::min(n, size - 1));
  to[std::min(n, size - 1)] = '\0';
  return n < size ? static_cast<ssize_t>(n) : -E2BIG;
}

void sort(void* base, size_t num, size_t size, int (*cmp)(const void*, const void*),
          void (*)(void*, void*, int)) {
  std::qsort(base, num, size, cmp);
}

void* xa_load(xarray* xa, unsigned long index) {
  const unsigned long at = Place(xa, index);
  return at < xa->n && xa->index[at] == index ? xa->entry[at] : nullptr;
}

// Room for one more; false when there is no memory.
static bool Grow(xarray* xa, gfp_t gfp) {
  const unsigned long room = xa->room * 2 + 8;
  auto* i = static_cast<unsigned long*>(kmalloc_array(room, sizeof(long), gfp));
  auto* e = static_cast<void**>(kmalloc_array(room, sizeof(void*), gfp));
  auto* m = static_cast<unsigned char*>(kmalloc(room, gfp));
  if (i == nullptr || e == nullptr || m == nullptr) {
    kfree(i);
    kfree(e);
    kfree(m);
    return false;
  }
  std::copy_n(xa->index, xa->n, i);
  std::copy_n(xa->entry, xa->n, e);
  std::copy_n(xa->marks, xa->n, m);
  xarray old = *xa;
  xa_destroy(&old);
  *xa = {i, e, m, xa->n, room};
  return true;
}

void* xa_store(xarray* xa, unsigned long index, void* entry, gfp_t gfp) {
  const unsigned long at = Place(xa, index);
  if (entry == nullptr) return xa_erase(xa, index);
  if (at < xa->n && xa->index[at] == index) return std::exchange(xa->entry[at], entry);
  if (xa->n == xa->room && !Grow(xa, gfp))
    return reinterpret_cast<void*>(static_cast<long>(-ENOMEM) * 4 + 2);
  std::copy_backward(xa->index + at, xa->index + xa->n, xa->index + xa->n + 1);
  std::copy_backward(xa->entry + at, xa->entry + xa->n, xa->entry + xa->n + 1);
  std::copy_backward(xa->marks + at, xa->marks + xa->n, xa->marks + xa->n + 1);
  xa->index[at] = index;
  xa->entry[at] = entry;
  xa->marks[at] = 0;
  xa->n++;
  return nullptr;
}

void* xa_erase(xarray* xa, unsigned long index) {
  const unsigned long at = Place(xa, index);
  if (at >= xa->n || xa->index[at] != index) return nullptr;
  void* was = xa->entry[at];
  std::copy(xa->index + at + 1, xa->index + xa->n, xa->index + at);
  std::copy(xa->entry + at + 1, xa->entry + xa->n, xa->entry + at);
  std::copy(xa->marks + at + 1, xa->marks + xa->n, xa->marks + at);
  xa->n--;
  return was;
}

void* xa_find(xarray* xa, unsigned long* index, unsigned long max, unsigned filter) {
  unsigned long at = Place(xa, *index);
  while (filter != XA_PRESENT && at < xa->n && (xa->marks[at] >> filter & 1) == 0) at++;
  if (at >= xa->n || xa->index[at] > max) return nullptr;
  *index = xa->index[at];
  return xa->entry[at];
}

void* xa_find_after(xarray* xa, unsigned long* index, unsigned long max, unsigned filter) {
  unsigned long next = *index + 1;
  if (next == 0) return nullptr;
  void* entry = xa_find(xa, &next, max, filter);
  if (entry != nullptr) *index = next;
  return entry;
}

void xa_set_mark(xarray* xa, unsigned long index, xa_mark_t mark) {
  if (xa_load(xa, index) != nullptr)
    xa->marks[Place(xa, index)] |= static_cast<unsigned char>(1U << mark);
}
void xa_clear_mark(xarray* xa, unsigned long index, xa_mark_t mark) {
  if (xa_load(xa, index) != nullptr)
    xa->marks[Place(xa, index)] &= static_cast<unsigned char>(~(1U << mark));
}
bool xa_get_mark(xarray* xa, unsigned long index, xa_mark_t mark) {
  return xa_load(xa, index) != nullptr && (xa->marks[Place(xa, index)] >> mark & 1) != 0;
}
bool xa_marked(const xarray* xa, xa_mark_t mark) {
  return std::any_of(xa->marks, xa->marks + xa->n,
                     [mark](unsigned char m) { return (m >> mark & 1) != 0; });
}

void xa_destroy(xarray* xa) {
  kfree(xa->index);
  kfree(xa->entry);
  kfree(xa->marks);
  *xa = {};
}

int xa_err(void* entry) {
  const auto v = reinterpret_cast<long>(entry);
  return (v & 3) == 2 ? static_cast<int>(v / 4) : 0;
}
}
