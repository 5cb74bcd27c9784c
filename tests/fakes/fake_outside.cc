#include "tests/fakes/fake_outside.h"

namespace remapfleet::agent {
namespace {

// An agent owns its ports; a world lends them.
class LentClock final : public Clock {
 public:
  explicit LentClock(const Clock& clock) : clock_(clock) {}
  TimePoint Now() const override { return clock_.Now(); }

 private:
  const Clock& clock_;
};

class LentDrives final : public DriveSource {
 public:
  explicit LentDrives(DriveSource& drives) : drives_(drives) {}
  std::vector<Drive> Find() override { return drives_.Find(); }

 private:
  DriveSource& drives_;
};

class LentController final : public ControllerPort {
 public:
  explicit LentController(ControllerPort& controller) : controller_(controller) {}
  Result<std::unique_ptr<ControllerStream>> Connect(std::size_t address) override {
    return controller_.Connect(address);
  }
  const std::vector<std::string>& addresses() const override { return controller_.addresses(); }

 private:
  ControllerPort& controller_;
};

class LentFiles final : public FileSystem {
 public:
  explicit LentFiles(FileSystem& files) : files_(files) {}
  Result<std::string> Read(const std::string& path) override { return files_.Read(path); }
  Result<std::string> ReadAt(const std::string& path, std::uint64_t offset,
                             std::size_t size) override {
    return files_.ReadAt(path, offset, size);
  }
  Status WriteDurably(const std::string& path, std::string_view contents) override {
    return files_.WriteDurably(path, contents);
  }
  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override {
    return files_.CreateAppend(path);
  }
  Status Remove(const std::string& path) override { return files_.Remove(path); }
  Status Rename(const std::string& from, const std::string& to) override {
    return files_.Rename(from, to);
  }
  Status MakeFolder(const std::string& path) override { return files_.MakeFolder(path); }
  Result<std::vector<std::string>> List(const std::string& folder) override {
    return files_.List(folder);
  }

 private:
  FileSystem& files_;
};

class LentDm final : public DmPort {
 public:
  explicit LentDm(DmPort& dm) : dm_(dm) {}
  Result<std::optional<DmInfo>> Info(const std::string& name) override { return dm_.Info(name); }
  Status Create(const std::string& name, const std::string& uuid, const DmTarget& table) override {
    return dm_.Create(name, uuid, table);
  }
  Status Load(const std::string& name, const DmTarget& table) override {
    return dm_.Load(name, table);
  }
  Status Resume(const std::string& name) override { return dm_.Resume(name); }
  Result<DmTarget> Table(const std::string& name) override { return dm_.Table(name); }
  Result<DmTarget> StatusOf(const std::string& name) override { return dm_.StatusOf(name); }
  Result<std::string> Message(const std::string& name, const std::string& text) override {
    return dm_.Message(name, text);
  }

 private:
  DmPort& dm_;
};

class LentStats final : public StatSource {
 public:
  explicit LentStats(StatSource& stats) : stats_(stats) {}
  Result<StatReading> Read(const Drive& drive) override { return stats_.Read(drive); }

 private:
  StatSource& stats_;
};

class LentGuard final : public DeviceGuard {
 public:
  explicit LentGuard(DeviceGuard& guard) : guard_(guard) {}
  Status CheckUnused(const std::string& path) override { return guard_.CheckUnused(path); }
  Status CheckNoForeignData(const std::string& path, std::uint64_t offset) override {
    return guard_.CheckNoForeignData(path, offset);
  }
  Status CheckNotBlank(const std::string& path, std::uint64_t offset,
                       std::uint64_t length) override {
    return guard_.CheckNotBlank(path, offset, length);
  }

 private:
  DeviceGuard& guard_;
};

}  // namespace

class FakeWorld::Errors final : public ErrorSource {
 public:
  explicit Errors(Listener<Handler>& listener) : listener_(listener) {}
  ~Errors() override { listener_.Set(nullptr); }

 private:
  Listener<Handler>& listener_;
};

class FakeWorld::Events final : public DmEvents {
 public:
  explicit Events(Listener<std::function<void()>>& listener) : listener_(listener) {}
  ~Events() override { listener_.Set(nullptr); }

 private:
  Listener<std::function<void()>>& listener_;
};

class FakeWorld::DisksGone final : public DiskEvents {
 public:
  explicit DisksGone(Listener<std::function<void()>>& listener) : listener_(listener) {}
  ~DisksGone() override { listener_.Set(nullptr); }

 private:
  Listener<std::function<void()>>& listener_;
};

Outside FakeWorld::MakeOutside() {
  Outside outside;
  outside.boot_id = boot_id;
  outside.clock = std::make_unique<LentClock>(clock);
  outside.files = std::make_unique<LentFiles>(files);
  outside.drives = std::make_unique<LentDrives>(drives);
  outside.smart = smart;
  outside.stats = std::make_unique<LentStats>(stats);
  outside.start_disk_events = [this](std::function<void()> on_event) {
    on_disk_event_.Set(std::move(on_event));
    return Result<std::unique_ptr<DiskEvents>>(std::make_unique<DisksGone>(on_disk_event_));
  };
  outside.dm = std::make_unique<LentDm>(dm);
  outside.modules = std::make_unique<FakeModules>();
  outside.guard = std::make_unique<LentGuard>(guard);
  outside.controller = std::make_unique<LentController>(controller);
  outside.start_dm_events = [this](std::function<void()> on_event) {
    on_event_.Set(std::move(on_event));
    return Result<std::unique_ptr<DmEvents>>(std::make_unique<Events>(on_event_));
  };
  outside.start_errors = [this](ErrorSource::Handler handler) {
    on_error_.Set(std::move(handler));
    return Result<std::unique_ptr<ErrorSource>>(std::make_unique<Errors>(on_error_));
  };
  outside.open_reads = [this](const std::string&) {
    return Result<TimedRead>([this](std::uint64_t sector, std::uint64_t) {
      return read ? read(sector) : std::chrono::microseconds(100);
    });
  };
  return outside;
}

void FakeWorld::KernelError(const BlockError& error) {
  on_error_.Call(SeenError{error, "", clock.Now(), std::chrono::steady_clock::now(),
                           v1::IoError::SOURCE_TRACEPOINT});
}

void FakeWorld::DmEvent() { on_event_.Call(); }

void FakeWorld::DiskEvent() { on_disk_event_.Call(); }

}  // namespace remapfleet::agent
