#include "controller/ctl/parse.h"

#include <charconv>
#include <optional>
#include <string>

namespace remapfleet::ctl {
namespace {

// Digits and nothing else: no sign, no blank.
std::optional<std::uint64_t> WholeNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<v1::SectorRange> ParseRange(std::string_view text) {
  const std::size_t plus = text.find('+');
  const auto first = WholeNumber(text.substr(0, plus));
  const auto count = plus == std::string_view::npos ? std::optional<std::uint64_t>(1)
                                                    : WholeNumber(text.substr(plus + 1));
  if (!first || !count) {
    return Fail(
        Code::kInvalidArgument,
        "\"" + std::string(text) + "\" is not a range: FIRST or FIRST+COUNT, in 512-byte sectors");
  }
  v1::SectorRange range;
  range.set_first_sector(*first);
  range.set_sector_count(*count);
  return range;
}

}  // namespace remapfleet::ctl
