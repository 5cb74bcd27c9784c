#include "controller/gateway/check.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/ids.h"

namespace remapfleet {
namespace {

v1::Batch GoodBatch() {
  v1::Batch batch;
  batch.set_boot_id(NewUuid());
  batch.set_first_seq(1);
  auto& error = *batch.add_records()->mutable_io_error();
  error.set_drive_id("serial-x");
  error.set_count(1);
  error.mutable_range()->set_sector_count(8);
  auto& outcome = *batch.add_records()->mutable_outcome();
  outcome.set_kind("remap/data0");
  outcome.set_generation(1);
  outcome.set_stage(v1::Outcome::STAGE_APPLIED);
  outcome.mutable_read_back()->set_table("0 8 remap 1");
  outcome.mutable_read_back()->set_status("1 rw");
  auto& health = *batch.add_records()->mutable_health();
  health.mutable_drive()->set_drive_id("serial-x");
  health.add_attributes()->set_id(5);
  return batch;
}

TEST(CheckBatch, AcceptsWhatAgentsSend) { EXPECT_TRUE(CheckBatch(GoodBatch())); }

TEST(CheckBatch, RefusesEachThingThatCannotBeStored) {
  const std::vector<std::function<void(v1::Batch&)>> spoilers = {
      [](v1::Batch& b) { b.set_boot_id("not a uuid"); },
      [](v1::Batch& b) { b.set_first_seq(0); },
      [](v1::Batch& b) { b.set_first_seq(~std::uint64_t{0}); },
      [](v1::Batch& b) { b.clear_records(); },
      [](v1::Batch& b) {
        while (b.records_size() <= 1000) *b.add_records() = b.records(0);
      },
      [](v1::Batch& b) { b.add_records(); },
      [](v1::Batch& b) { b.mutable_records(0)->mutable_io_error()->set_drive_id(""); },
      [](v1::Batch& b) {
        b.mutable_records(0)->mutable_io_error()->set_drive_id(std::string("a\0b", 3));
      },
      [](v1::Batch& b) { b.mutable_records(0)->mutable_io_error()->set_count(0); },
      [](v1::Batch& b) {
        b.mutable_records(0)->mutable_io_error()->mutable_range()->set_sector_count(0);
      },
      [](v1::Batch& b) {
        b.mutable_records(0)->mutable_io_error()->mutable_range()->set_first_sector(~0ULL);
      },
      [](v1::Batch& b) {
        b.mutable_records(0)->mutable_io_error()->mutable_range()->set_sector_count(1ULL << 63);
      },
      [](v1::Batch& b) {
        b.mutable_records(1)->mutable_outcome()->set_stage(v1::Outcome::STAGE_UNSPECIFIED);
      },
      [](v1::Batch& b) { b.mutable_records(1)->mutable_outcome()->set_generation(0); },
      [](v1::Batch& b) { b.mutable_records(1)->mutable_outcome()->clear_read_back(); },
      [](v1::Batch& b) {
        // An open enum: any number arrives.
        b.mutable_records(0)->mutable_io_error()->set_operation(
            static_cast<v1::IoError::Operation>(40'000));
      },
      [](v1::Batch& b) { b.mutable_records(0)->mutable_io_error()->set_drive_id("a\nb"); },
      [](v1::Batch& b) {
        auto& weak = *b.add_records()->mutable_weak_block();
        weak.set_drive_id("serial-x");
        weak.mutable_range()->set_sector_count(8);
        weak.mutable_time()->set_seconds(std::int64_t{1} << 60);
      },
      [](v1::Batch& b) {
        b.mutable_records(1)->mutable_outcome()->set_error_message(std::string(1 << 20, 'x'));
      },
      [](v1::Batch& b) {
        b.mutable_records(2)->mutable_health()->mutable_attributes(0)->set_id(256);
      },
      [](v1::Batch& b) { b.mutable_records(2)->mutable_health()->set_power_on_hours(1ULL << 63); },
  };
  for (std::size_t i = 0; i < spoilers.size(); ++i) {
    v1::Batch batch = GoodBatch();
    spoilers[i](batch);
    const Status status = CheckBatch(batch);
    ASSERT_FALSE(status) << i;
    EXPECT_EQ(status.error().code(), Code::kInvalidArgument);
    EXPECT_EQ(status.error().message().substr(0, 6), "batch.") << status.error().message();
  }
}

TEST(CheckHello, WantsABootIdAndNames) {
  v1::Hello hello;
  EXPECT_FALSE(CheckHello(hello));
  hello.set_boot_id(NewUuid());
  EXPECT_TRUE(CheckHello(hello));
  hello.add_drives();
  EXPECT_FALSE(CheckHello(hello));
}

TEST(CheckHello, RefusesWhatWouldReachLogsAndKeysAsItIs) {
  const std::vector<std::function<void(v1::Hello&)>> spoilers = {
      [](v1::Hello& h) { h.set_hostname("a\x1b[2J"); },
      [](v1::Hello& h) { h.set_agent_version("0.1\nforged log line"); },
      [](v1::Hello& h) { (*h.mutable_known_generations())[std::string("remap/a\0b", 9)] = 1; },
      [](v1::Hello& h) { h.mutable_configured(0)->set_device_name("../x"); },
      [](v1::Hello& h) { h.mutable_configured(0)->add_remap_ranges()->set_sector_count(8); },
      [](v1::Hello& h) {
        while (h.drives_size() <= 4096) h.add_drives()->set_drive_id("serial-x");
      },
  };
  v1::Hello good;
  good.set_boot_id(NewUuid());
  good.set_hostname("node");
  auto& spec = *good.add_configured();
  spec.set_device_name("data0");
  spec.set_drive_id("serial-x");
  spec.set_spare_drive_id("serial-y");
  ASSERT_TRUE(CheckHello(good));
  for (std::size_t i = 0; i < spoilers.size(); ++i) {
    v1::Hello hello = good;
    spoilers[i](hello);
    EXPECT_FALSE(CheckHello(hello)) << i;
  }
}

}  // namespace
}  // namespace remapfleet
