#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "agent/heartbeats.h"
#include "agent/link/record_sink.h"
#include "agent/selftest/book.h"
#include "agent/selftest/starter.h"
#include "support/clock.h"

namespace remapfleet::agent {

// Has drives test themselves by a plan. Each order is given on a thread of its own, so that a drive
// that does not answer delays nothing.
class SelfTestThread {
 public:
  // Where a drive is: drives of one place share a cap.
  using EnclosureOf = std::function<std::string(const Drive&)>;
  // Called on this thread for a place that a test of this agent's could not read, once stored.
  using OnBadPlace = std::function<void(const v1::IoError&)>;

  // All must outlive it but the starter, which a drive may hold for longer.
  SelfTestThread(SelfTestPlan plan, std::shared_ptr<SelfTestStarter> starter,
                 EnclosureOf enclosure_of, RecordSink& sink, const Clock& clock,
                 Heartbeats& heartbeats, OnBadPlace on_bad_place);
  // Waits for no order.
  ~SelfTestThread();

  // The newest health of a drive, logs included. Any thread; returns at once.
  void Take(const Drive& drive, const v1::DriveHealth& health);

  // Orders that drives took, and that they refused, since the start. Any thread.
  std::uint64_t started() const { return started_; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Shared;  // with the threads that give orders

  void Run(std::stop_token stop);
  void TakeNews();
  void TakeAnswers();
  void StartDue();
  void Order(const Drive& drive, const SelfTestStart& start);
  void Report(const v1::IoError& error);

  const SelfTestPlan plan_;
  const std::shared_ptr<SelfTestStarter> starter_;
  const EnclosureOf enclosure_of_;
  RecordSink& sink_;
  const Clock& clock_;
  const OnBadPlace on_bad_place_;
  const std::shared_ptr<Heartbeats::Heart> heart_;
  const LocalTime since_;
  const std::shared_ptr<Shared> shared_;
  SelfTestBook book_;
  std::atomic<std::uint64_t> started_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::jthread thread_;
};

}  // namespace remapfleet::agent
