#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/link/record_sink.h"
#include "agent/link/segment.h"
#include "agent/posix/file_system.h"
#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet::agent {

struct SpoolStats {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t dropped = 0;  // since start
};

// What was said and is not yet committed by the controller, on disk: nothing that `Append` returned
// OK for is lost by a crash. Numbers grow from 1 in each boot and are never given twice. Beyond
// `max_bytes` the oldest telemetry goes, with a TelemetryGap in its stead; outcomes never go.
// Thread-safe.
class Spool final : public RecordSink {
 public:
  static Result<std::unique_ptr<Spool>> Open(FileSystem& files, const std::string& folder,
                                             const std::string& boot_id, std::uint64_t max_bytes);

  Status Append(std::vector<v1::Record> records) override;

  // A position in the spool; 0 is before everything.
  using Cursor = std::uint64_t;
  struct Chunk {
    v1::Batch batch;
    Cursor end = 0;  // of its last record
    std::uint64_t bytes = 0;
  };
  // The next consecutive records behind `after`, at least one if there is any, of one boot.
  Result<std::optional<Chunk>> Next(Cursor after, std::size_t max_records, std::uint64_t max_bytes);

  // The controller has committed this boot's up to `acked_seq`, and nothing is under way. If those
  // cannot be from here, since the folder was lost, what is here is other records, and gets new
  // numbers behind them.
  Status Resume(std::uint64_t acked_seq);
  // The controller has committed these: they are deleted.
  void Ack(const std::string& boot_id, std::uint64_t through_seq);

  // Waits until something is appended or acknowledged or `Poke` is called after `version` was
  // returned, or until `deadline`; returns the new version.
  std::uint64_t WaitChange(std::uint64_t version, std::stop_token stop,
                           std::chrono::steady_clock::time_point deadline);
  void Poke();

  std::uint64_t last_acked() const;
  const std::string& boot_id() const { return boot_id_; }
  SpoolStats stats() const;

 private:
  struct Segment {
    std::string path;
    std::string boot_id;
    std::uint64_t bytes = 0;
    std::size_t live = 0;  // entries that are not acknowledged
  };
  struct Entry {
    Cursor cursor;
    std::uint64_t segment;
    Frame frame;
    bool is_outcome;
  };

  Spool(FileSystem& files, std::string folder, std::string boot_id, std::uint64_t max_bytes);
  Status Load();
  Status LoadSegment(std::uint64_t number, const std::string& path);
  Status LoadState();
  Status SaveState();
  Status OpenActive();
  Status Renumber(std::uint64_t acked_seq);
  Status AppendLocked(const std::vector<v1::Record>& records);
  void AckLocked(const std::string& boot_id, std::uint64_t through_seq);
  Result<v1::Record> ReadEntry(const Entry& entry);
  Status MakeRoom();
  Status DropTelemetryOf(std::uint64_t number, std::uint64_t& dropped);
  void DropEmptySegments();
  std::string SegmentPath(std::uint64_t number) const;
  std::uint64_t TotalBytes() const;

  FileSystem& files_;
  const std::string folder_;
  const std::string boot_id_;
  const std::uint64_t max_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t version_ = 0;
  std::map<std::uint64_t, Segment> segments_;
  std::deque<Entry> entries_;           // by cursor
  std::unique_ptr<AppendFile> active_;  // the last segment; none until the first append
  std::uint64_t active_number_ = 0;
  std::uint64_t next_segment_ = 1;
  std::uint64_t next_seq_ = 1;
  std::uint64_t last_acked_ = 0;
  bool fresh_ = true;  // no state of this boot was found, and no controller has answered yet
  Cursor next_cursor_ = 1;
  std::uint64_t dropped_ = 0;
  std::uint64_t damaged_ = 0;  // records or whole files, when it was opened
};

}  // namespace remapfleet::agent
