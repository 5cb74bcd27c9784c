#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace remapfleet::agent {

// Knows of each thread when it was last seen alive. Thread-safe.
class Heartbeats {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // A thread that waits for something wakes at least so often to beat.
  static constexpr std::chrono::seconds kInterval{10};

  class Heart {
   public:
    Heart(std::string name, std::chrono::seconds limit) : name_(std::move(name)), limit_(limit) {}
    void Beat() { last_ = std::chrono::steady_clock::now(); }

   private:
    friend class Heartbeats;
    const std::string name_;
    const std::chrono::seconds limit_;
    std::atomic<Time> last_ = std::chrono::steady_clock::now();
  };

  // For a thread that beats at least every `limit` as long as it holds this.
  std::shared_ptr<Heart> Add(std::string name, std::chrono::seconds limit) {
    auto heart = std::make_shared<Heart>(std::move(name), limit);
    const std::lock_guard lock(mutex_);
    hearts_.push_back(heart);
    return heart;
  }

  // The names of those that have not beaten for too long.
  std::vector<std::string> Late(Time now) {
    std::vector<std::string> names;
    const std::lock_guard lock(mutex_);
    std::erase_if(hearts_, [&](const std::weak_ptr<Heart>& weak) {
      const auto heart = weak.lock();
      if (heart && now - heart->last_.load() > heart->limit_) names.push_back(heart->name_);
      return heart == nullptr;
    });
    return names;
  }

 private:
  std::mutex mutex_;
  std::list<std::weak_ptr<Heart>> hearts_;
};

}  // namespace remapfleet::agent
