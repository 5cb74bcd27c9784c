#include <fmt/format.h>
#include <libdevmapper.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "agent/remap/dm_port.h"

namespace remapfleet::agent {
namespace {

struct TaskDeleter {
  void operator()(dm_task* task) const { dm_task_destroy(task); }
};
using TaskPtr = std::unique_ptr<dm_task, TaskDeleter>;

__attribute__((format(printf, 5, 6))) void Log(int level, const char*, int, int, const char* format,
                                               ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  // What fails is also returned as an error, with its errno: here it is only a detail.
  if ((level & 7) <= 4) spdlog::debug("libdevmapper: {}", text);
}

Error LastError(dm_task* task, const std::string& what) {
  const int error = task != nullptr ? dm_task_get_errno(task) : 0;
  return Error::FromErrno(error != 0 ? error : (errno != 0 ? errno : EIO), what);
}

Result<TaskPtr> MakeTask(int type, const std::string& name, const char* what) {
  TaskPtr task(dm_task_create(type));
  if (!task || dm_task_set_name(task.get(), name.c_str()) == 0) {
    return Fail(LastError(task.get(), fmt::format("device-mapper {} {}", what, name)));
  }
  return task;
}

Status AddTarget(dm_task* task, const DmTarget& table, const std::string& what) {
  if (dm_task_add_target(task, table.start, table.length, table.type.c_str(),
                         table.params.c_str()) == 0) {
    return Fail(LastError(task, what));
  }
  return {};
}

class LibDmPort final : public DmPort {
 public:
  // Without udevd nobody answers cookies, and nodes come from libdevmapper itself.
  LibDmPort() : udev_(access("/run/udev/control", F_OK) == 0) {
    dm_log_with_errno_init(Log);
    dm_udev_set_sync_support(udev_ ? 1 : 0);
  }

  Result<std::optional<DmInfo>> Info(const std::string& name) override {
    auto task = MakeTask(DM_DEVICE_INFO, name, "info");
    if (!task) return Fail(task.error());
    dm_info info{};
    if (dm_task_run(task->get()) == 0 || dm_task_get_info(task->get(), &info) == 0) {
      return Fail(LastError(task->get(), "device-mapper info " + name));
    }
    if (info.exists == 0) return std::nullopt;
    const char* uuid = dm_task_get_uuid(task->get());
    return DmInfo{uuid != nullptr ? uuid : "", info.live_table != 0, info.suspended != 0};
  }

  Status Create(const std::string& name, const std::string& uuid, const DmTarget& table) override {
    auto task = MakeTask(DM_DEVICE_CREATE, name, "create");
    if (!task) return Fail(task.error());
    const std::string what = fmt::format("device-mapper create {} with table \"{} {} {} {}\"", name,
                                         table.start, table.length, table.type, table.params);
    if (dm_task_set_uuid(task->get(), uuid.c_str()) == 0) {
      return Fail(LastError(task->get(), what));
    }
    dm_task_set_add_node(task->get(), DM_ADD_NODE_ON_CREATE);
    if (auto added = AddTarget(task->get(), table, what); !added) return added;
    if (auto run = RunWithCookie(task->get(), what); !run) return run;
    return MakeNode(name);
  }

  Status Load(const std::string& name, const DmTarget& table) override {
    auto task = MakeTask(DM_DEVICE_RELOAD, name, "reload");
    if (!task) return Fail(task.error());
    const std::string what = "device-mapper reload " + name;
    if (auto added = AddTarget(task->get(), table, what); !added) return added;
    if (dm_task_run(task->get()) == 0) return Fail(LastError(task->get(), what));
    return {};
  }

  Status Resume(const std::string& name) override {
    auto task = MakeTask(DM_DEVICE_RESUME, name, "resume");
    if (!task) return Fail(task.error());
    dm_task_set_add_node(task->get(), DM_ADD_NODE_ON_RESUME);
    if (auto run = RunWithCookie(task->get(), "device-mapper resume " + name); !run) return run;
    return MakeNode(name);
  }

  Result<DmTarget> Table(const std::string& name) override {
    return OneTarget(DM_DEVICE_TABLE, name, "table");
  }
  Result<DmTarget> StatusOf(const std::string& name) override {
    return OneTarget(DM_DEVICE_STATUS, name, "status");
  }

  Result<std::string> Message(const std::string& name, const std::string& text) override {
    auto task = MakeTask(DM_DEVICE_TARGET_MSG, name, "message");
    if (!task) return Fail(task.error());
    if (dm_task_set_sector(task->get(), 0) == 0 ||
        dm_task_set_message(task->get(), text.c_str()) == 0 || dm_task_run(task->get()) == 0) {
      return Fail(LastError(task->get(), fmt::format("message \"{}\" to {}", text, name)));
    }
    const char* response = dm_task_get_message_response(task->get());
    return std::string(response != nullptr ? response : "");
  }

 private:
  Status RunWithCookie(dm_task* task, const std::string& what) {
    std::uint32_t cookie = 0;
    if (udev_ && dm_task_set_cookie(task, &cookie, 0) == 0) return Fail(LastError(task, what));
    const int ran = dm_task_run(task);
    Status status;
    if (ran == 0) status = Fail(LastError(task, what));
    if (udev_) dm_udev_wait(cookie);
    dm_task_update_nodes();
    return status;
  }

  Status MakeNode(const std::string& name) {
    const std::string node = fmt::format("{}/{}", dm_dir(), name);
    if (access(node.c_str(), F_OK) != 0) dm_mknodes(name.c_str());
    if (access(node.c_str(), F_OK) != 0) return Fail(Error::FromErrno(errno, node));
    return {};
  }

  Result<DmTarget> OneTarget(int type, const std::string& name, const char* what) {
    auto task = MakeTask(type, name, what);
    if (!task) return Fail(task.error());
    const std::string context = fmt::format("device-mapper {} {}", what, name);
    dm_info info{};
    if (dm_task_run(task->get()) == 0) return Fail(LastError(task->get(), context));
    if (dm_task_get_info(task->get(), &info) == 0 || info.exists == 0) {
      return Fail(Code::kNotFound, context + ": no such device");
    }
    DmTarget target;
    char* target_type = nullptr;
    char* params = nullptr;
    if (dm_get_next_target(task->get(), nullptr, &target.start, &target.length, &target_type,
                           &params) != nullptr ||
        target_type == nullptr) {
      return Fail(Code::kFailedPrecondition, context + ": not exactly one target");
    }
    target.type = target_type;
    target.params = params != nullptr ? params : "";
    return target;
  }

  const bool udev_;
};

}  // namespace

std::unique_ptr<DmPort> MakeDmPort() { return std::make_unique<LibDmPort>(); }

}  // namespace remapfleet::agent
