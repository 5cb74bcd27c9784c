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
#include <vector>

#include "agent/link/record_sink.h"
#include "agent/link/segment.h"
#include "agent/posix/file_system.h"
#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet::agent {

struct SpoolStats {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;    // on disk
  std::uint64_t dropped = 0;  // since start: for want of room, or since they could not be stored
  std::uint64_t memory = 0;   // bytes of the index
  bool failing = false;       // the last `Append` could not store
};

// Some of the records that a batch's gaps stand for may have been sent before they were dropped:
// takes those with numbers through `sent` from the counts.
void LeaveOutSent(v1::Batch& batch, std::uint64_t sent);

// What was said and is not yet committed by the controller, on disk: nothing that `Append` returned
// OK for is lost by a crash. Numbers grow from 1 in each boot and are never given twice.
//
// Holds at most `max_bytes`, and a record for each 256 of them. Beyond that the oldest telemetry
// goes, with a TelemetryGap in its stead that counts it; outcomes and the newest inventory never
// go. What cannot be stored, on a full disk or a broken one, is counted by a TelemetryGap as soon
// as something can be stored again. Thread-safe.
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
  // The next consecutive records behind `after`, at least one if there is any, of one boot. Fails
  // if the first cannot be read back; if it never can, though another one can, a TelemetryGap
  // stands in for it. See LeaveOutSent.
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
    std::size_t live = 0;        // entries that are not acknowledged
    std::uint64_t last_seq = 0;  // the highest number that may stand in it
    bool doubtful = false;       // what is to replace it may not be durable: it must stay
  };
  enum class Kind : std::uint8_t {
    kTelemetry,
    kReport,  // a gap of the kernel's, or of what could not be stored
    kGap,     // in the stead of what was dropped here
    kInventory,
    kOutcome,
  };
  struct Entry {
    Cursor cursor;
    std::uint64_t seq;
    std::uint32_t segment;
    std::uint32_t offset;  // of the serialised Record in the file
    std::uint32_t size;
    Kind kind;
  };
  using Entries = std::deque<Entry>;
  // A segment as it is to be written.
  struct Image {
    std::string bytes;
    std::vector<Entry> entries;
  };

  Spool(FileSystem& files, std::string folder, std::string boot_id, std::uint64_t max_bytes);
  static Kind KindOf(const v1::Record& record);

  Status Load();
  Status LoadSegment(std::uint32_t number, const std::string& path);
  Status SetAside(const std::string& path, const std::string& why);
  Status LoadState();
  Status SaveState();
  void KeepReserve();

  Status OpenActive();
  Status AppendLocked(const std::vector<v1::Record>& records);
  void NoteFailure(const std::vector<v1::Record>& records, const Error& error);
  void NoteRecovery();
  Status Renumber(std::uint64_t acked_seq);
  void AckLocked(const std::string& boot_id, std::uint64_t through_seq);
  Result<v1::Record> ReadEntry(const Entry& entry);
  Result<v1::Record> ReadOrStandIn(const Entry& entry);

  // spool_room.cc
  bool IsFull(std::uint64_t more_bytes, std::size_t more_records) const;
  Status MakeRoom(const std::vector<v1::Record>& records);
  bool MayGo(const Entry& entry) const;
  Status DropTelemetryOf(std::uint32_t number);
  std::uint32_t MergeTarget(std::uint32_t number) const;
  Result<Image> Shrink(Entries::const_iterator first, Entries::const_iterator last,
                       std::uint32_t into, std::uint64_t& dropped);
  void Keep(Image& image, Entry entry, const v1::Record& record) const;
  void DropEmptySegments(bool numbers_are_saved);

  std::string SegmentPath(std::uint32_t number) const;
  std::uint64_t TotalBytes() const;

  FileSystem& files_;
  const std::string folder_;
  const std::string boot_id_;
  const std::uint64_t max_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t version_ = 0;
  std::map<std::uint32_t, Segment> segments_;
  Entries entries_;                     // by cursor, and so by segment
  std::unique_ptr<AppendFile> active_;  // the last segment; none until the first append
  std::uint32_t active_number_ = 0;
  std::uint32_t next_segment_ = 1;
  std::uint64_t next_seq_ = 1;
  std::uint64_t last_acked_ = 0;
  bool fresh_ = true;  // no state of this boot was found, and no controller has answered yet
  Cursor next_cursor_ = 1;
  Cursor newest_inventory_ = 0;
  Cursor unreadable_ = 0;      // the record that could not be read back last
  unsigned failed_reads_ = 0;  // of it
  std::uint64_t dropped_ = 0;
  std::uint64_t refused_ = 0;  // could not be stored, and are not counted by a gap yet
  bool failing_ = false;
  bool has_reserve_ = false;
  std::uint64_t damaged_ = 0;                         // records or whole files, when it was opened
  std::map<std::string, std::uint64_t> loaded_seqs_;  // the highest, by boot, while it is opened
};

}  // namespace remapfleet::agent
