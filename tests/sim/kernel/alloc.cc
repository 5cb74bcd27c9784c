#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/sim/kernel.h"
#include "tests/sim/kernel/state.h"
#include "tests/sim/world.h"

namespace remapfleet::sim {
namespace {

struct alignas(16) Header {
  Header* next;
  Header* prev;
  std::size_t size;
  bool virt;
  std::uint32_t magic;
  std::uint32_t padding[5];
};
static_assert(sizeof(Header) % 16 == 0);
constexpr std::uint32_t kLive = 0x11fe11fe;
constexpr std::uint32_t kFreed = 0xdeadf4ee;

Header all = {&all, &all, 0, false, 0, {}};
Memory memory;

// As kmalloc() does: what may be the target of I/O is aligned for it.
std::size_t Alignment(std::size_t size) {
  return size >= PAGE_SIZE ? PAGE_SIZE : size >= 512 ? 512 : alignof(Header);
}

void* Start(Header* h) {
  return reinterpret_cast<char*>(h + 1) - std::max(sizeof(Header), Alignment(h->size));
}

void Unlink(Header* h) {
  h->next->prev = h->prev;
  h->prev->next = h->next;
  memory.allocations--;
  memory.bytes -= h->size;
  h->magic = kFreed;
}

}  // namespace

Memory& KernelMemory() { return memory; }

void DropKernelMemory() {
  while (all.next != &all) {
    Header* h = all.next;
    Unlink(h);
    std::free(Start(h));
  }
}

}  // namespace remapfleet::sim

using namespace remapfleet::sim;  // NOLINT: what follows is the kernel's side of it

extern "C" {

void* sim_alloc(size_t size, gfp_t gfp, bool virt) {
  World& world = World::Get();
  Task* task = world.current();
  if (task == nullptr) std::abort();
  if ((gfp & __GFP_DIRECT_RECLAIM) != 0) world.MaySleep("an allocation");
  if ((gfp & __GFP_IO) != 0 && task->context == Context::kReclaim && task->noio == 0)
    world.Fail("an allocation that may wait for I/O, in a worker that I/O waits for");
  if (virt && (gfp & __GFP_DIRECT_RECLAIM) == 0) world.Fail("kvmalloc() without reclaim");
  if (memory.fail_one_in != 0 && (gfp & __GFP_NOFAIL) == 0 &&
      world.random().OneIn(memory.fail_one_in)) {
    memory.failed++;
    return nullptr;
  }
  const std::size_t front = std::max(sizeof(Header), Alignment(size));
  void* start = nullptr;
  if (posix_memalign(&start, Alignment(size), front + size) != 0) std::abort();
  auto* h = reinterpret_cast<Header*>(static_cast<char*>(start) + front) - 1;
  *h = {&all, all.prev, size, virt, kLive, {}};
  all.prev->next = h;
  all.prev = h;
  memory.allocations++;
  memory.bytes += size;
  std::memset(h + 1, (gfp & __GFP_ZERO) != 0 ? 0 : 0xa5, size);
  return h + 1;
}

void sim_free(const void* p, bool virt) {
  if (p == nullptr) return;
  auto* h = const_cast<Header*>(static_cast<const Header*>(p)) - 1;
  if (h->magic != kLive) World::Get().Fail("kfree() of what is not allocated");
  if (h->virt && !virt) World::Get().Fail("kfree() of what kvmalloc() gave");
  Unlink(h);
  std::free(Start(h));
}

page* virt_to_page(const void* p) {
  return reinterpret_cast<page*>(reinterpret_cast<std::uintptr_t>(p) & ~(PAGE_SIZE - 1));
}

unsigned memalloc_noio_save() { return World::Get().current()->noio++; }
void memalloc_noio_restore(unsigned flags) { World::Get().current()->noio = flags; }

kmem_cache* kmem_cache_create(const char*, unsigned size, unsigned, unsigned, void (*)(void*)) {
  auto* c = static_cast<kmem_cache*>(kmalloc(sizeof(kmem_cache), GFP_KERNEL));
  c->size = size;
  return c;
}
void kmem_cache_destroy(kmem_cache* c) { kfree(c); }

void* sim_alloc_percpu(size_t size) {
  if (size > SIM_CPU_STRIDE) World::Get().Fail("alloc_percpu() of too much");
  return sim_alloc(SIM_CPU_STRIDE * (SIM_CPUS - 1) + size, GFP_KERNEL | __GFP_ZERO, true);
}
void free_percpu(void* p) { sim_free(p, true); }
}
