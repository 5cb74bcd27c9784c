#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

namespace remapfleet {

// Hands values from threads to one thread. Never grows past its capacity: `TryPush` says when it is
// full, and the caller decides what that means (block, spill, count a drop). Thread-safe.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // False, and `value` untouched, if the queue is full or closed.
  [[nodiscard]] bool TryPush(T&& value) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || values_.size() >= capacity_) return false;
      values_.push_back(std::move(value));
    }
    ready_.notify_one();
    return true;
  }

  // Waits for room. False if the queue is closed.
  bool Push(T&& value) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return closed_ || values_.size() < capacity_; });
      if (closed_) return false;
      values_.push_back(std::move(value));
    }
    ready_.notify_one();
    return true;
  }

  // Waits for a value. Nothing after `stop` was requested, at `deadline`, or once closed and empty.
  std::optional<T> Pop(std::stop_token stop, std::chrono::steady_clock::time_point deadline =
                                                 std::chrono::steady_clock::time_point::max()) {
    std::unique_lock lock(mutex_);
    const auto available = [this] { return closed_ || !values_.empty(); };
    if (deadline == std::chrono::steady_clock::time_point::max()) {
      ready_.wait(lock, stop, available);
    } else {
      ready_.wait_until(lock, stop, deadline, available);
    }
    if (values_.empty()) return std::nullopt;
    T value = std::move(values_.front());
    values_.pop_front();
    room_.notify_one();
    return value;
  }

  // Refuses new values and wakes the reader; what is queued can still be popped.
  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
    room_.notify_all();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable_any ready_;
  std::condition_variable room_;
  std::deque<T> values_;
  bool closed_ = false;
};

}  // namespace remapfleet
