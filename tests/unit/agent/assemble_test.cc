#include "agent/assemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/node.h"

namespace remapfleet::agent {
namespace {

using ::testing::HasSubstr;

// A node on which the agent has set up data0 before, after a boot.
class AssembleTest : public testing::Test {
 protected:
  AssembleTest() {
    config_.state_dir = "/state";
    config_.module = "dm-remap";
    config_.drives_allow = {"/dev/sd*"};
    config_.devices = {{"data0", "/dev/sda", "/dev/sdb"}};
    node_.Start();
    node_.dm.Reboot();
  }
  Assembly Run() {
    const auto all =
        Assemble(config_, {node_.dm, node_.modules, node_.guard}, node_.drives, files_);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Assembly{} : all[0];
  }
  void NameByIds() {
    config_.devices[0].drive = "serial-FAKE-MAIN";
    config_.devices[0].spare = "serial-FAKE-SPARE";
  }

  Node node_;
  Config config_;
  FakeFileSystem& files_ = node_.files;
};

TEST_F(AssembleTest, BringsUpWhatTheAgentHasSetUp) {
  EXPECT_EQ(Run().state, Assembly::State::kUp);
  EXPECT_TRUE(node_.Live());
  EXPECT_EQ(node_.dm.counts().formats, 1U) << "the agent's own";
  // Every disk that comes has it run again.
  EXPECT_EQ(Run().state, Assembly::State::kUp);
  EXPECT_EQ(node_.dm.counts().creates, 2U);
}

TEST_F(AssembleTest, WaitsForADriveThatIsNotThere) {
  const auto drives = node_.drives.Find();
  node_.drives.Set({drives[0]});
  EXPECT_EQ(Run().state, Assembly::State::kWaiting);
  EXPECT_FALSE(node_.Live());
  node_.drives.Set(drives);
  EXPECT_EQ(Run().state, Assembly::State::kUp);
}

TEST_F(AssembleTest, LeavesADeviceThatWasNeverUpToTheAgent) {
  config_.devices[0].name = "data1";
  EXPECT_EQ(Run().state, Assembly::State::kWaiting);
  EXPECT_EQ(node_.dm.counts().creates, 1U);
}

TEST_F(AssembleTest, ASpareThatLostItsMappingsIsNotFormatted) {
  node_.guard.blank.insert("/dev/sdb");
  const Assembly data0 = Run();
  EXPECT_EQ(data0.state, Assembly::State::kFailed);
  EXPECT_THAT(data0.why, HasSubstr("lost its mappings"));
  EXPECT_FALSE(node_.Live());
}

TEST_F(AssembleTest, AnotherDriveAtTheSamePlaceIsNotTaken) {
  node_.drives.Set(
      {MakeFakeDrive("sda", 0, "STRANGER", 1'000'003), MakeFakeDrive("sdb", 16, "SPARE", 80'000)});
  const Assembly data0 = Run();
  EXPECT_EQ(data0.state, Assembly::State::kFailed);
  EXPECT_THAT(data0.why, HasSubstr("was set up on drive serial-FAKE-MAIN"));
  EXPECT_FALSE(node_.Live());
}

TEST_F(AssembleTest, WithoutTheStateFolderOnlyIdsSayWhichDrivesAreMeant) {
  config_.state_dir = "/not/mounted/yet";
  const Assembly by_place = Run();
  EXPECT_EQ(by_place.state, Assembly::State::kWaiting);
  EXPECT_THAT(by_place.why, HasSubstr("name them by their ids"));
  EXPECT_FALSE(node_.Live());
  NameByIds();
  EXPECT_EQ(Run().state, Assembly::State::kUp);
  EXPECT_FALSE(files_.List("/not/mounted/yet")) << "nothing is made where something is mounted";
}

TEST_F(AssembleTest, WithoutTheStateFolderABlankSpareIsNew) {
  config_.state_dir = "/not/mounted/yet";
  NameByIds();
  node_.guard.blank.insert("/dev/sdb");
  EXPECT_EQ(Run().state, Assembly::State::kWaiting);
  EXPECT_FALSE(node_.Live());
}

TEST_F(AssembleTest, WithoutTheStateFolderASpareThatCannotBeReadIsNotBlank) {
  config_.state_dir = "/not/mounted/yet";
  NameByIds();
  node_.guard.unreadable.insert("/dev/sdb");
  const Assembly data0 = Run();
  EXPECT_EQ(data0.state, Assembly::State::kFailed);
  EXPECT_THAT(data0.why, HasSubstr("cannot be read"));
  EXPECT_FALSE(node_.Live());
}

TEST_F(AssembleTest, UdevHidesOnlyADiskThatWasAdoptedInPlace) {
  const auto drives = node_.drives.Find();
  EXPECT_EQ(UdevProperties(config_, drives[0]),
            "REMAPFLEET_DEVICE=data0\nREMAPFLEET_ROLE=main\nREMAPFLEET_HIDE=1\n");
  EXPECT_EQ(UdevProperties(config_, drives[1]), "REMAPFLEET_DEVICE=data0\nREMAPFLEET_ROLE=spare\n");
  NameByIds();
  config_.devices[0].data_offset_sectors = 2048;
  EXPECT_EQ(UdevProperties(config_, drives[0]), "REMAPFLEET_DEVICE=data0\nREMAPFLEET_ROLE=main\n");
  EXPECT_EQ(UdevProperties(config_, MakeFakeDrive("sdc", 32, "OTHER", 1000)), "");
  config_.drives_allow = {"/dev/nvme*"};
  EXPECT_EQ(UdevProperties(config_, drives[0]), "");
}

}  // namespace
}  // namespace remapfleet::agent
