#include "agent/remap/module_loader.h"

#include <fmt/format.h>
#include <libkmod.h>

#include <cerrno>
#include <cstring>

namespace remapfleet::agent {
namespace {

struct CtxDeleter {
  void operator()(kmod_ctx* ctx) const { kmod_unref(ctx); }
};
struct ModuleDeleter {
  void operator()(kmod_module* module) const { kmod_module_unref(module); }
};

Error Explain(int error, const std::string& module) {
  const auto say = [&](Code code, const char* why) {
    return Error(code, fmt::format("kernel module {}: {} ({})", module, why, std::strerror(error)));
  };
  switch (error) {
    case ENOENT:
      return say(Code::kNotFound, "not found; install dm-remap-dkms or set remap.module");
    case ENOEXEC:
      return say(Code::kFailedPrecondition,
                 "built for another kernel, or damaged; rebuild it for the one that runs");
    case ENOKEY:
    case EKEYREJECTED:
    case EBADMSG:
      return say(Code::kFailedPrecondition,
                 "its signature is not trusted by this kernel; enrol its key or sign it");
    case EPERM:
    case EACCES:
      return say(Code::kPermissionDenied, "loading needs CAP_SYS_MODULE and no lockdown");
    default:
      return Error::FromErrno(error, "kernel module " + module);
  }
}

class KmodLoader final : public ModuleLoader {
 public:
  Status Load(const std::string& module) override {
    const std::unique_ptr<kmod_ctx, CtxDeleter> ctx(kmod_new(nullptr, nullptr));
    if (!ctx) return Fail(Code::kInternal, "libkmod does not start");
    kmod_module* raw = nullptr;
    const bool is_path = module.find('/') != std::string::npos;
    int error = is_path ? kmod_module_new_from_path(ctx.get(), module.c_str(), &raw)
                        : kmod_module_new_from_name(ctx.get(), module.c_str(), &raw);
    if (error < 0) return Fail(Explain(-error, module));
    const std::unique_ptr<kmod_module, ModuleDeleter> owned(raw);
    const int state = kmod_module_get_initstate(raw);
    if (state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN) return {};
    error = is_path ? kmod_module_insert_module(raw, 0, nullptr)
                    : kmod_module_probe_insert_module(raw, 0, nullptr, nullptr, nullptr, nullptr);
    if (error == -EEXIST || error == 0) return {};
    // libkmod returns -ENOENT for unresolved symbols too: dm-mod must be there before.
    return Fail(Explain(error < 0 ? -error : EPERM, module));
  }
};

}  // namespace

std::unique_ptr<ModuleLoader> MakeModuleLoader() { return std::make_unique<KmodLoader>(); }

}  // namespace remapfleet::agent
