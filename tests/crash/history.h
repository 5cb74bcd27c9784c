// What a log says happened: the workload's operations and when each began and ended, places in the
// log being the only time there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/log.h"

namespace remapfleet::crash {

constexpr std::size_t kNever = SIZE_MAX;

struct Operation {
  enum class Kind : std::uint8_t { kWrite, kFlush, kDiscard, kMessage };
  Kind kind = Kind::kWrite;
  std::uint64_t sector = 0, n = 0;
  bool fua = false;
  std::string message;
  std::size_t begin = 0;     // the mark in front of it
  std::size_t end = kNever;  // the mark behind it
  int error = 0;
};

struct SliceShape {
  std::string name;
  std::uint64_t start = 0, sectors = 0;
  std::uint64_t pieces = 1;  // a flush of it is one of each
};

class History {
 public:
  explicit History(const Log& log);

  const Log& log() const { return log_; }
  std::size_t size() const { return log_.entries().size(); }
  const Entry& entry(std::size_t i) const { return log_.entries()[i]; }
  const std::vector<SliceShape>& slices() const { return slices_; }  // main, then the spares
  std::uint64_t target_sectors() const { return target_sectors_; }
  std::uint64_t data_offset() const { return data_offset_; }
  const std::string& table() const { return table_; }
  unsigned block_size() const { return 8; }

  // The operation that a mark begins or ends; null for other marks.
  const Operation* Begins(std::size_t entry) const { return Find(begins_, entry); }
  const Operation* Ends(std::size_t entry) const { return Find(ends_, entry); }
  // Whose data it is that a write which waits for a flush writes; null if that cannot be told.
  const Operation* Writer(std::size_t entry) const { return Find(writers_, entry); }
  // Writes that wait for a flush, with an operation, in order of its beginning.
  const std::vector<std::size_t>& volatile_writes() const { return volatile_writes_; }
  // The next entry from here on that is written with FUA; size() for none.
  std::size_t NextFua(std::size_t from) const { return next_fua_[from]; }
  std::size_t FirstOf(const SliceShape& slice) const;  // the first write there

 private:
  static const Operation* Find(const std::map<std::size_t, std::uint64_t>& in, std::size_t entry,
                               const std::map<std::uint64_t, Operation>& operations);
  const Operation* Find(const std::map<std::size_t, std::uint64_t>& in, std::size_t entry) const {
    return Find(in, entry, operations_);
  }
  void TakeMark(std::size_t i, const std::vector<std::string>& words);
  void FindWriters();

  const Log& log_;
  std::vector<SliceShape> slices_;
  std::uint64_t target_sectors_ = 0, data_offset_ = 0;
  std::string table_;
  std::map<std::uint64_t, Operation> operations_;                 // by id
  std::map<std::size_t, std::uint64_t> begins_, ends_, writers_;  // by entry
  std::vector<std::size_t> volatile_writes_;
  std::vector<std::size_t> next_fua_;
};

}  // namespace remapfleet::crash
