#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "agent/link/spool.h"

namespace remapfleet::agent {

// Records that say which one they are.
inline v1::Record OutcomeNumber(std::uint64_t id) {
  v1::Record record;
  record.mutable_outcome()->set_kind("remap/data0");
  record.mutable_outcome()->set_generation(id);
  record.mutable_outcome()->set_error_message(std::string(100, 'x'));
  return record;
}
inline v1::Record TelemetryNumber(std::uint64_t id) {
  v1::Record record;
  record.mutable_io_error()->set_drive_id(std::string(120, 'd'));
  record.mutable_io_error()->mutable_range()->set_first_sector(id);
  return record;
}

// What a controller has committed of a spool, as it takes each number of each boot once.
class Committed {
 public:
  // A new stream, as the session makes one: the spool learns what is committed, sends from its
  // beginning, and `most` records arrive. Unless `acks`, what is committed is not said.
  void Stream(Spool& spool, std::size_t most, bool acks = true) {
    if (!spool.Resume(last_[spool.boot_id()])) return;
    std::map<std::string, std::uint64_t> sent;
    sent[spool.boot_id()] = spool.last_acked();
    Spool::Cursor cursor = 0;
    while (most > 0) {
      auto chunk = spool.Next(cursor, std::min<std::size_t>(most, 3), 1 << 20);
      if (!chunk || !*chunk) return;
      v1::Batch& batch = (*chunk)->batch;
      LeaveOutSent(batch, sent[batch.boot_id()]);
      Take(batch);
      sent[batch.boot_id()] = last_[batch.boot_id()];
      if (acks) spool.Ack(batch.boot_id(), last_[batch.boot_id()]);
      cursor = (*chunk)->end;
      most -= static_cast<std::size_t>(batch.records_size());
    }
  }

  // In the order in which they took effect.
  const std::vector<std::uint64_t>& ids() const { return ids_; }
  std::uint64_t lost() const { return lost_; }      // by gaps
  std::uint64_t others() const { return others_; }  // records without an id
  bool Has(std::uint64_t id) const { return std::find(ids_.begin(), ids_.end(), id) != ids_.end(); }

 private:
  void Take(const v1::Batch& batch) {
    std::uint64_t& last = last_[batch.boot_id()];
    std::uint64_t seq = batch.first_seq();
    for (const v1::Record& record : batch.records()) {
      if (seq++ <= last) continue;
      if (record.has_gap()) lost_ += record.gap().lost_records();
      if (record.has_outcome()) ids_.push_back(record.outcome().generation());
      if (record.has_weak_block()) ++others_;
      if (record.has_io_error()) ids_.push_back(record.io_error().range().first_sector());
    }
    last = std::max(last, seq - 1);
  }

  std::map<std::string, std::uint64_t> last_;
  std::vector<std::uint64_t> ids_;
  std::uint64_t lost_ = 0;
  std::uint64_t others_ = 0;
};

}  // namespace remapfleet::agent
