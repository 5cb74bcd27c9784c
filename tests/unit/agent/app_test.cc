#include "agent/app.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <semaphore>
#include <thread>

#include "support/spec_hash.h"
#include "tests/fakes/fake_outside.h"

namespace remapfleet::agent {
namespace {

class AppTest : public testing::Test {
 protected:
  AppTest() {
    world_.drives.Set(
        {MakeFakeDrive("sda", 0, "MAIN", 1'000'003), MakeFakeDrive("sdb", 16, "SPARE", 80'000)});
    config_.state_dir = "/state";
    config_.metrics_listen = "127.0.0.1:0";
    config_.spool_bytes = 1 << 20;
    config_.module = "dm-remap";
    config_.max_blocks_per_hour = 100'000;
    config_.max_devices_per_hour = 4;
    config_.max_spare_percent = 80;
    RemapDeviceConfig device;
    device.name = "data0";
    device.drive = "/dev/sda";
    device.spare = "/dev/sdb";
    config_.devices.push_back(device);
  }
  std::unique_ptr<App> Start() {
    auto app = App::Start(config_, world_.MakeOutside());
    EXPECT_TRUE(app) << app.error().message();
    return app ? std::move(*app) : nullptr;
  }
  v1::Desired Desire(std::uint64_t generation, std::uint64_t sector) const {
    v1::Desired desired;
    desired.set_kind("remap/data0");
    desired.set_generation(generation);
    v1::RemapDeviceSpec& spec = *desired.mutable_remap_device();
    spec.set_device_name("data0");
    spec.set_drive_id("serial-FAKE-MAIN");
    spec.set_expected_serial("MAIN");
    spec.set_spare_drive_id("serial-FAKE-SPARE");
    spec.set_spare_length_sectors(80'000);
    spec.add_remap_ranges()->set_first_sector(sector);
    spec.mutable_remap_ranges(0)->set_sector_count(8);
    desired.set_spec_sha256(SpecHash(spec));
    return desired;
  }
  static BlockError ReadErrorAt(std::uint64_t sector, unsigned minor = 0) {
    BlockError error;
    error.major = 8;
    error.minor = minor;
    error.sector = sector;
    error.sectors = 8;
    error.operation = v1::IoError::OPERATION_READ;
    error.errno_value = 61;
    return error;
  }
  static std::size_t Applied(const std::vector<v1::Record>& records, std::uint64_t generation) {
    return static_cast<std::size_t>(
        std::count_if(records.begin(), records.end(), [&](const v1::Record& record) {
          return record.outcome().generation() == generation &&
                 record.outcome().stage() == v1::Outcome::STAGE_APPLIED;
        }));
  }

  FakeWorld world_;
  Config config_;
};

TEST_F(AppTest, ClosesTheLoopFromAnErrorToAReadBack) {
  world_.read = [](std::uint64_t sector) -> std::optional<std::chrono::microseconds> {
    if (sector == 8040) return std::nullopt;
    return std::chrono::microseconds(100);
  };
  const auto app = Start();
  world_.KernelError(ReadErrorAt(8000));
  ASSERT_TRUE(world_.controller.Await([](const auto& records) {
    return std::any_of(records.begin(), records.end(),
                       [](const v1::Record& record) {
                         return record.io_error().range().first_sector() == 8000 &&
                                !record.io_error().provoked();
                       }) &&
           std::any_of(records.begin(), records.end(), [](const v1::Record& record) {
             return record.weak_block().range().first_sector() == 8040 &&
                    !record.weak_block().readable();
           });
  }));
  world_.controller.SendDesired(Desire(1, 8000));
  EXPECT_TRUE(
      world_.controller.Await([](const auto& records) { return Applied(records, 1) == 1; }));
  EXPECT_EQ(world_.dm.counts().moves, 1U);
}

TEST_F(AppTest, TellsHowLongADriveTookForItsReads) {
  world_.stats.Set("/dev/sda", {{}, true});
  world_.stats.KeepReading(10);
  config_.health_interval = std::chrono::seconds(1);
  const auto app = Start();
  EXPECT_TRUE(world_.controller.Await([](const auto& records) {
    return std::any_of(records.begin(), records.end(), [](const v1::Record& record) {
      return record.latency().drive_id() == "serial-FAKE-MAIN" && record.latency().reads() == 10;
    });
  }));
}

TEST_F(AppTest, AFlushThatFailedIsToldWithoutAPlace) {
  const auto app = Start();
  BlockError flush = ReadErrorAt(0);
  flush.operation = v1::IoError::OPERATION_OTHER;
  flush.sectors = 0;
  world_.KernelError(flush);
  ASSERT_TRUE(world_.controller.Await([](const auto& records) {
    return std::any_of(records.begin(), records.end(), [](const v1::Record& record) {
      return record.has_io_error() && !record.io_error().has_range() &&
             record.io_error().count() == 1;
    });
  }));
}

TEST_F(AppTest, AnErrorThatItsOwnCheckMetIsMarkedSo) {
  world_.read = [this](std::uint64_t sector) -> std::optional<std::chrono::microseconds> {
    if (sector != 8040) return std::chrono::microseconds(100);
    world_.KernelError(ReadErrorAt(8040));
    return std::nullopt;
  };
  const auto app = Start();
  world_.KernelError(ReadErrorAt(8000));
  EXPECT_TRUE(world_.controller.Await([](const auto& records) {
    return std::any_of(records.begin(), records.end(), [](const v1::Record& record) {
      return record.io_error().range().first_sector() == 8040 && record.io_error().provoked();
    });
  }));
}

TEST_F(AppTest, ADriveThatCameAfterTheStartIsLookedForThoughAStrangerFails) {
  config_.devices
      .clear();  // bringing them up looks for drives, too, as does the first round of health
  const auto app = Start();
  ASSERT_TRUE(world_.controller.Await([](const auto& records) {
    return std::any_of(records.begin(), records.end(),
                       [](const v1::Record& record) { return record.has_health(); });
  }));
  const unsigned finds = world_.drives.finds();
  world_.KernelError(ReadErrorAt(1, 240));
  world_.drives.AwaitFinds(finds + 1);
  world_.drives.Set({MakeFakeDrive("sda", 0, "MAIN", 1'000'003),
                     MakeFakeDrive("sdb", 16, "SPARE", 80'000),
                     MakeFakeDrive("sdc", 32, "LATE", 80'000)});
  world_.KernelError(ReadErrorAt(8000, 32));
  EXPECT_TRUE(world_.controller.Await([](const auto& records) {
    return std::any_of(records.begin(), records.end(), [](const v1::Record& record) {
      return record.io_error().drive_id() == "serial-FAKE-LATE";
    });
  }));
}

// What the kernel said just before the end is in the spool when the agent is gone.
TEST_F(AppTest, AStopLosesNoError) {
  world_.controller.SetWelcomes(false);
  auto app = Start();
  for (int i = 0; i < 500; ++i) world_.KernelError(ReadErrorAt(8000));
  app.reset();
  world_.controller.SetWelcomes(true);
  app = Start();
  EXPECT_TRUE(world_.controller.Await([](const auto& records) {
    std::uint64_t seen = 0;
    for (const v1::Record& record : records) seen += record.io_error().count();
    return seen == 500;
  }));
}

// As fast as a kernel can say them, on one drive.
TEST_F(AppTest, AStormReachesTheControllerWithEveryPlace) {
  config_.devices.clear();
  const auto app = Start();
  for (std::uint64_t i = 0; i < 10'000; ++i)
    world_.KernelError(ReadErrorAt(i * 7919 % 100'000 * 8));
  EXPECT_TRUE(world_.controller.Await([](const auto& records) {
    std::uint64_t counted = 0;
    for (const v1::Record& record : records) counted += record.io_error().count();
    return counted == 10'000;
  }));
  const auto records = world_.controller.records();
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const std::uint64_t first = i * 7919 % 100'000 * 8;
    EXPECT_TRUE(std::any_of(records.begin(), records.end(), [&](const v1::Record& record) {
      const v1::SectorRange& range = record.io_error().range();
      return range.first_sector() <= first &&
             first + 8 <= range.first_sector() + range.sector_count();
    })) << first;
  }
  EXPECT_TRUE(std::none_of(records.begin(), records.end(),
                           [](const v1::Record& record) { return record.has_gap(); }));
}

TEST_F(AppTest, EveryThreadBeatsAndIsMissedWhenItDoesNot) {
  const auto app = Start();
  const auto now = std::chrono::steady_clock::now();
  EXPECT_TRUE(app->Late(now).empty());
  auto late = app->Late(now + std::chrono::minutes(16));
  std::sort(late.begin(), late.end());
  EXPECT_EQ(late, (std::vector<std::string>{"faults", "health", "remap"}));
  EXPECT_EQ(app->Late(now + std::chrono::minutes(3)).size(), 2U);
}

TEST_F(AppTest, StartsAndStopsAHundredTimesWhileThingsHappen) {
  config_.metrics_listen = "";  // its server takes a second or so to stop
  std::counting_semaphore<> rounds(0);
  std::jthread kernel([&] {
    for (std::uint64_t round = 1; round <= 100; ++round) {
      rounds.acquire();
      for (std::uint64_t i = 0; i < 100; ++i) {
        world_.KernelError(ReadErrorAt(8000 + i % 64 * 8));
        world_.DmEvent();
      }
    }
  });
  for (std::uint64_t round = 1; round <= 100; ++round) {
    const std::size_t hellos = world_.controller.hellos().size();
    rounds.release();
    auto app = Start();
    // Some are stopped at once, some in the middle of their work, some after it.
    if (round % 3 == 0) {
      world_.controller.SendDesired(Desire(round, 80 * round));
      EXPECT_TRUE(world_.controller.Await(
          [&](const auto& records) { return Applied(records, round) != 0; }));
    } else if (round % 3 == 1) {
      EXPECT_TRUE(world_.controller.AwaitHellos(hellos + 1));
    }
  }
  EXPECT_EQ(world_.dm.counts().creates, 1U);
  EXPECT_EQ(world_.dm.counts().moves, 33U);
}

}  // namespace
}  // namespace remapfleet::agent
