#pragma once

#include <memory>
#include <string>

#include "support/result.h"

namespace remapfleet::agent {

// Loads the kernel module.
class ModuleLoader {
 public:
  virtual ~ModuleLoader() = default;
  // `module` is a name, or the path of a .ko file. Loaded or built in already is success. Errors
  // say what to do about them.
  virtual Status Load(const std::string& module) = 0;
};

std::unique_ptr<ModuleLoader> MakeModuleLoader();

}  // namespace remapfleet::agent
