#include "agent/service.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <semaphore>
#include <thread>

#include "tests/fakes/fake_outside.h"
#include "tests/unit/agent/temp_folder.h"

namespace remapfleet::agent {
namespace {

// The service in a thread of its own, which alone is sent signals.
class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { Write("300"); }
  ~ServiceTest() override {
    if (thread_.joinable()) End();
  }

  void Write(const std::string& interval) {
    std::ofstream(path_) << "state_dir = \"/state\"\n"
                            "[controller]\naddress = \"c:1\"\n"
                            "[tls]\ncertificate = \"c\"\nkey = \"k\"\nca = \"a\"\n"
                            "[metrics]\nlisten = \"\"\n"
                            "[drives]\nhealth_interval_s = "
                         << interval << "\n";
  }
  void Run() {
    auto config = LoadConfig(path_);
    ASSERT_TRUE(config) << config.error().message();
    thread_ = std::thread([this, first = *config] {
      status_ = RunService(path_, first, [this](const Config& c) { return Start(c); });
      starts_.release();
    });
    starts_.acquire();
  }
  Result<std::unique_ptr<App>> Start(const Config& config) {
    intervals_.push_back(config.health_interval.count());
    auto app = config.health_interval == refused_
                   ? Result<std::unique_ptr<App>>(Fail(Code::kUnavailable, "port in use"))
                   : App::Start(config, world_.MakeOutside());
    if (app) starts_.release();
    return app;
  }
  void Signal(int signal) { pthread_kill(thread_.native_handle(), signal); }
  int End() {
    Signal(SIGTERM);
    thread_.join();
    return status_;
  }

  TempFolder folder_;
  const std::string path_ = folder_.path() / "agent.toml";
  FakeWorld world_;
  std::chrono::seconds refused_{0};
  std::counting_semaphore<> starts_{0};
  std::vector<std::int64_t> intervals_;  // of each start; read when a start is known of
  std::thread thread_;
  int status_ = -1;
};

TEST_F(ServiceTest, EndsWhenTold) {
  Run();
  EXPECT_EQ(End(), 0);
  EXPECT_EQ(intervals_, std::vector<std::int64_t>{300});
}

TEST_F(ServiceTest, ReadsItsConfigurationAnew) {
  Run();
  Write("60");
  Signal(SIGHUP);
  starts_.acquire();
  EXPECT_EQ(End(), 0);
  EXPECT_EQ(intervals_, (std::vector<std::int64_t>{300, 60}));
}

// Of two signals that wait the one with the lower number comes first.
TEST_F(ServiceTest, AConfigurationThatIsNotGoodChangesNothing) {
  Run();
  Write("\"often\"");
  Signal(SIGHUP);
  Signal(SIGTERM);
  thread_.join();
  EXPECT_EQ(status_, 0);
  EXPECT_EQ(intervals_, std::vector<std::int64_t>{300});
}

TEST_F(ServiceTest, OneThatItDoesNotStartWithIsTakenBack) {
  Run();
  refused_ = std::chrono::seconds(60);
  Write("60");
  Signal(SIGHUP);
  starts_.acquire();
  EXPECT_EQ(End(), 0);
  EXPECT_EQ(intervals_, (std::vector<std::int64_t>{300, 60, 300}));
}

TEST_F(ServiceTest, EndsWithAnErrorIfItDoesNotStartAtAll) {
  Run();
  refused_ = std::chrono::seconds(300);
  Signal(SIGHUP);
  thread_.join();
  EXPECT_EQ(status_, 1);
}

}  // namespace
}  // namespace remapfleet::agent
