#include "tests/sim/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifdef SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifndef __x86_64__
#error "the switch between fibers is written for x86-64"
#endif

// Saves the callee-saved registers and the stack in *from, goes on where to was saved.
extern "C" void sim_switch(void** from, void* to);
__asm__(
    ".text\n.globl sim_switch\n.type sim_switch,@function\nsim_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
    ".size sim_switch,.-sim_switch\n");

namespace remapfleet::sim {
namespace {

constexpr std::size_t kStack = 256 * 1024;
Fiber* entering = nullptr;

}  // namespace

Fiber::Fiber()
    : stack_(mmap(nullptr, kStack, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
  if (stack_ == MAP_FAILED) std::abort();
  mprotect(stack_, 4096, PROT_NONE);  // a guard below
}

Fiber::~Fiber() { munmap(stack_, kStack); }

void Fiber::Start(void (*entry)(void*), void* argument) {
  entry_ = entry;
  argument_ = argument;
  fake_stack_ = nullptr;
#ifdef SIM_ASAN
  ASAN_UNPOISON_MEMORY_REGION(static_cast<char*>(stack_) + 4096, kStack - 4096);
#endif
  auto* top = reinterpret_cast<void**>(static_cast<char*>(stack_) + kStack);
  *--top = nullptr;                                      // keeps the stack aligned as after a call
  *--top = reinterpret_cast<void*>(&Fiber::Trampoline);  // where ret goes
  for (int i = 0; i < 6; i++) *--top = nullptr;
  stack_pointer_ = top;
}

void Fiber::Enter() {
  entering = this;
#ifdef SIM_ASAN
  void* mine = nullptr;
  __sanitizer_start_switch_fiber(&mine, stack_, kStack);
#endif
  sim_switch(&outside_, stack_pointer_);
#ifdef SIM_ASAN
  __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
#endif
}

void Fiber::Leave() {
#ifdef SIM_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, outside_bottom_, outside_size_);
#endif
  sim_switch(&stack_pointer_, outside_);
#ifdef SIM_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &outside_bottom_, &outside_size_);
#endif
}

void Fiber::Trampoline() {
  Fiber* self = entering;
#ifdef SIM_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->outside_bottom_, &self->outside_size_);
#endif
  self->entry_(self->argument_);
  self->Leave();
  std::abort();  // nobody enters a fiber that has ended
}

}  // namespace remapfleet::sim
