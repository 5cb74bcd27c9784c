// The target as a loadable module: built as a shared object, inserted, and put back to how it was
// after a power cut.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/kernel.h"

namespace remapfleet::sim {

class Module {
 public:
  // Aborts when the file cannot be loaded: nothing can be tested then.
  explicit Module(const std::string& path);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const target_type& target() const;
  // Its variables are what they were after insertion.
  void Reboot();
  // Undefined symbols of the module come from the simulation; its own may be asked for by name.
  void* Symbol(const char* name) const;

 private:
  struct Region {
    unsigned char* start;
    std::vector<unsigned char> image;
  };
  void* handle_;
  std::vector<Region> writable_;
};

}  // namespace remapfleet::sim
