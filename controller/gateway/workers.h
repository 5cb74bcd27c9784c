#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "support/bounded_queue.h"

namespace remapfleet {

// Threads that wait for the database, so that gRPC's own never do. Thread-safe.
class Workers {
 public:
  using Job = std::function<void()>;

  Workers(std::size_t threads, std::size_t capacity) : jobs_(capacity) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this](std::stop_token stop) {
        while (auto job = jobs_.Pop(stop)) (*job)();
      });
    }
  }
  ~Workers() { Stop(); }

  // False if too much is waiting already.
  [[nodiscard]] bool Run(Job job) { return jobs_.TryPush(std::move(job)); }

  // Nothing new is taken; what waits is still done.
  void Stop() {
    jobs_.Close();
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
  }

 private:
  BoundedQueue<Job> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace remapfleet
