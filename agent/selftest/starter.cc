#include "agent/selftest/starter.h"

namespace remapfleet::agent {
namespace {

class Starters final : public SelfTestStarter {
 public:
  explicit Starters(SmartctlOptions options) : smartctl_(MakeSmartctlStarter(std::move(options))) {}

  Status Start(const Drive& drive, SelfTestKind kind) override {
    if (IsReplaced({}, drive)) return Fail(Code::kNotFound, "it has gone");
    switch (drive.access) {
      case SmartAccess::kAta:
      case SmartAccess::kSmartctl:
        return smartctl_->Start(drive, kind);
      case SmartAccess::kNvme:
        return nvme_->Start(drive, kind);
      case SmartAccess::kNone:
        break;
    }
    return Fail(Code::kUnimplemented, "a disk of this kind does not test itself");
  }

 private:
  const std::unique_ptr<SelfTestStarter> smartctl_;
  const std::unique_ptr<SelfTestStarter> nvme_ = MakeNvmeStarter();
};

}  // namespace

std::unique_ptr<SelfTestStarter> MakeSelfTestStarter(SmartctlOptions options) {
  return std::make_unique<Starters>(std::move(options));
}

}  // namespace remapfleet::agent
