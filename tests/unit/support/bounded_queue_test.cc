#include "support/bounded_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace remapfleet {
namespace {

TEST(BoundedQueue, RefusesBeyondItsCapacityAndKeepsTheValue) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(queue.TryPush(std::move(first)));
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(**queue.Pop({}), 1);
  EXPECT_TRUE(queue.TryPush(std::move(second)));
}

TEST(BoundedQueue, CloseLetsTheReaderDrain) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  queue.Close();
  EXPECT_FALSE(queue.TryPush(2));
  EXPECT_EQ(queue.Pop({}), 1);
  EXPECT_EQ(queue.Pop({}), std::nullopt);
}

TEST(BoundedQueue, PushWaitsForRoomUntilTheQueueIsClosed) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.Push(1));
  bool second = false;
  bool third = true;
  std::jthread writer([&] {
    second = queue.Push(2);
    third = queue.Push(3);
  });
  EXPECT_EQ(queue.Pop({}), 1);
  while (queue.size() == 0) std::this_thread::yield();
  queue.Close();
  writer.join();
  EXPECT_TRUE(second);
  EXPECT_FALSE(third);
}

TEST(BoundedQueue, StopWakesAWaitingReader) {
  BoundedQueue<int> queue(1);
  std::optional<int> got = 1;
  std::jthread reader([&](std::stop_token stop) { got = queue.Pop(stop); });
  reader.request_stop();
  reader.join();
  EXPECT_EQ(got, std::nullopt);
}

TEST(BoundedQueue, CarriesEveryValueOnceAcrossThreads) {
  constexpr int kValues = 10000;
  BoundedQueue<int> queue(16);
  std::jthread writer([&] {
    for (int i = 0; i < kValues; ++i) {
      int value = i;
      while (!queue.TryPush(std::move(value))) std::this_thread::yield();
    }
    queue.Close();
  });
  int expected = 0;
  while (const auto value = queue.Pop({})) EXPECT_EQ(*value, expected++);
  EXPECT_EQ(expected, kValues);
}

}  // namespace
}  // namespace remapfleet
