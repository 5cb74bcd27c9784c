#include "tests/sim/module.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdio>
#include <cstdlib>

#include "tests/sim/world.h"

namespace remapfleet::sim {
namespace {

target_type* registered = nullptr;

// Without the sanitizers' view of memory: red zones between variables are copied as well.
void RawCopy(unsigned char* to, const unsigned char* from, std::size_t n) {
  __asm__ __volatile__("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

}  // namespace

Module::Module(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::abort();
  }
  auto* init = reinterpret_cast<int (*)()>(Symbol("sim_module_init"));
  World::Get().Spawn("insmod", Context::kProcess, [init] {
    if (init() != 0) World::Get().Fail("the module's init failed");
  });
  World::Get().RunUntil([] { return World::Get().Idle(); }, "insmod");
  if (registered == nullptr) {
    std::fprintf(stderr, "%s registers no target\n", path.c_str());
    std::abort();
  }
  link_map* map = nullptr;
  dlinfo(handle_, RTLD_DI_LINKMAP, &map);
  struct Seek {
    const link_map* map;
    std::vector<Region>* out;
  } seek{map, &writable_};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto* s = static_cast<Seek*>(data);
        if (info->dlpi_addr != s->map->l_addr) return 0;
        ElfW(Addr) relro = 0;
        for (int i = 0; i < info->dlpi_phnum; i++)
          if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO)
            relro = (info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz + 4095) &
                    ~ElfW(Addr){4095};
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto& ph = info->dlpi_phdr[i];
          if (ph.p_type != PT_LOAD || (ph.p_flags & PF_W) == 0) continue;
          // what the loader has made read-only is not the module's to change
          const ElfW(Addr) from = std::max<ElfW(Addr)>(ph.p_vaddr, relro);
          const ElfW(Addr) end = ph.p_vaddr + ph.p_memsz;
          if (from >= end) continue;
          Region r{reinterpret_cast<unsigned char*>(info->dlpi_addr + from),
                   std::vector<unsigned char>(end - from)};
          RawCopy(r.image.data(), r.start, r.image.size());
          s->out->push_back(std::move(r));
        }
        return 1;
      },
      &seek);
}

Module::~Module() { dlclose(handle_); }

const target_type& Module::target() const { return *registered; }

void Module::Reboot() {
  for (Region& r : writable_) RawCopy(r.start, r.image.data(), r.image.size());
}

void* Module::Symbol(const char* name) const {
  void* at = dlsym(handle_, name);
  if (at == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::abort();
  }
  return at;
}

}  // namespace remapfleet::sim

extern "C" {
int dm_register_target(target_type* t) {
  remapfleet::sim::registered = t;
  return 0;
}
void dm_unregister_target(target_type*) { remapfleet::sim::registered = nullptr; }
}
