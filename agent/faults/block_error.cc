#include "agent/faults/block_error.h"

#include <charconv>

namespace remapfleet::agent {
namespace {

// Reads from the front of a text; every step fails once one has.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  std::string_view rest() const { return text_; }

  Scanner& Literal(std::string_view literal) {
    ok_ = ok_ && text_.substr(0, literal.size()) == literal;
    if (ok_) text_.remove_prefix(literal.size());
    return *this;
  }
  Scanner& Past(std::string_view mark) {
    const auto at = text_.find(mark);
    ok_ = ok_ && at != std::string_view::npos;
    if (ok_) text_.remove_prefix(at + mark.size());
    return *this;
  }
  template <class T>
  Scanner& Number(T& value) {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    ok_ = ok_ && error == std::errc();
    if (ok_) text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return *this;
  }
  std::string_view Word() {
    const auto end = std::min(text_.find_first_of(" ,\n"), text_.size());
    const std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end);
    return word;
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

// The block layer's letters: R read, W write, with F, M, S, A around them.
v1::IoError::Operation OperationOf(std::string_view rwbs) {
  if (rwbs.find('D') != std::string_view::npos) return v1::IoError::OPERATION_OTHER;
  if (rwbs.find('R') != std::string_view::npos) return v1::IoError::OPERATION_READ;
  if (rwbs.find('W') != std::string_view::npos) return v1::IoError::OPERATION_WRITE;
  return v1::IoError::OPERATION_OTHER;
}

// "  task-pid [000] ..... 12.345678: block_rq_error: …" → microseconds.
std::uint64_t TimeBefore(std::string_view head) {
  const auto begin = head.find_last_of(' ');
  std::uint64_t seconds = 0;
  std::uint64_t micros = 0;
  Scanner scanner(head.substr(begin + 1));
  scanner.Number(seconds).Literal(".").Number(micros);
  return scanner.ok() ? seconds * 1'000'000 + micros : 0;
}

// A flush is told of with no sectors, and with the first or the last number that there is: neither
// is a place that is bad.
void ForgetNoPlace(BlockError& error) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 54;  // 2^63 bytes
  if (error.sectors != 0 && error.sectors <= kEnd && error.sector <= kEnd - error.sectors) return;
  error.sector = 0;
  error.sectors = 0;
}

}  // namespace

std::optional<BlockError> ParseTraceLine(std::string_view line) {
  constexpr std::string_view kEvent = ": block_rq_error: ";
  const auto at = line.find(kEvent);
  if (at == std::string_view::npos) return std::nullopt;
  BlockError error;
  error.monotonic_us = TimeBefore(line.substr(0, at));
  Scanner scanner(line.substr(at + kEvent.size()));
  scanner.Number(error.major).Literal(",").Number(error.minor).Literal(" ");
  const std::string_view rwbs = scanner.Word();
  int result = 0;
  // Newer kernels put the priority between the sectors and the result.
  scanner.Past(") ")
      .Number(error.sector)
      .Literal(" + ")
      .Number(error.sectors)
      .Past(" [")
      .Number(result)
      .Literal("]");
  constexpr int kLastErrno = 4095;
  if (!scanner.ok() || result >= 0 || result < -kLastErrno) return std::nullopt;
  error.operation = OperationOf(rwbs);
  error.errno_value = -result;
  ForgetNoPlace(error);
  return error;
}

std::uint64_t ParseLostEvents(std::string_view line) {
  std::uint64_t lost = 0;
  Scanner scanner(line);
  scanner.Literal("CPU:").Past("[LOST ").Number(lost).Literal(" EVENTS]");
  return scanner.ok() ? lost : 0;
}

std::optional<LoggedError> ParseLogRecord(std::string_view record) {
  // 6.1: "I/O error, dev sda, sector 2048 op 0x0:(READ) flags …"; the same after
  // "blk_update_request: " and other words for media errors ("critical medium error, dev …").
  constexpr std::string_view kMark = " error, dev ";
  const auto at = record.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto kind_begin = record.find_last_of(";:", at);
  const std::string_view kind =
      record.substr(kind_begin == std::string_view::npos ? 0 : kind_begin + 1, at - kind_begin - 1);
  LoggedError logged;
  Scanner scanner(record.substr(at + kMark.size()));
  logged.disk = scanner.Word();
  scanner.Literal(", sector ").Number(logged.error.sector);
  if (!scanner.ok() || logged.disk.empty()) return std::nullopt;
  scanner.Past(":(");
  if (scanner.ok() && scanner.rest().substr(0, 4) == "READ")
    logged.error.operation = v1::IoError::OPERATION_READ;
  if (scanner.ok() && scanner.rest().substr(0, 5) == "WRITE")
    logged.error.operation = v1::IoError::OPERATION_WRITE;
  if (scanner.ok() && scanner.rest().substr(0, 5) == "FLUSH") logged.error.sectors = 0;
  ForgetNoPlace(logged.error);
  constexpr int kEio = 5;
  constexpr int kEnodata = 61;
  logged.error.errno_value = kind.find("medium") != std::string_view::npos ? kEnodata : kEio;
  return logged;
}

}  // namespace remapfleet::agent
