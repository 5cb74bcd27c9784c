// A thread of execution that runs until it says otherwise: what a kernel thread, an interrupt or a
// caller is here.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace remapfleet::sim {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Sets what to run next; whatever ran in it before is dropped where it stands.
  void Start(void (*entry)(void*), void* argument);
  // Runs the fiber until it calls Leave(). Only from outside of fibers.
  void Enter();
  // Back to whoever called Enter(). Only from within.
  void Leave();

 private:
  static void Trampoline();
  void* stack_;
  void* stack_pointer_ = nullptr;
  void* outside_ = nullptr;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  const void* outside_bottom_ = nullptr;
  std::size_t outside_size_ = 0;
};

}  // namespace remapfleet::sim
