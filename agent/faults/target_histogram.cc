#include "agent/faults/target_histogram.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

namespace remapfleet::agent {
namespace {

constexpr std::size_t kMostBuckets = 64;  // more than that many doublings no u64 holds

std::optional<std::vector<std::uint64_t>> ParseNumbers(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || stop != word.data() + word.size()) return std::nullopt;
    numbers.push_back(value);
    if (comma == std::string_view::npos) return numbers;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<std::optional<TargetHistogram>> ParseTargetHistogram(const std::string& reply) {
  static const std::map<std::string, v1::LatencyHistogram::Kind> kKinds = {
      {"read", v1::LatencyHistogram::KIND_READ},
      {"write", v1::LatencyHistogram::KIND_WRITE},
      {"remapped", v1::LatencyHistogram::KIND_REMAPPED},
      {"slow", v1::LatencyHistogram::KIND_SLOW_PATH}};
  const auto bad = [&] { return Fail(Code::kInternal, "bad reply to histogram: " + reply); };
  TargetHistogram histogram;
  std::size_t buckets = 0;
  std::string enabled;
  std::istringstream words(reply);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return bad();
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "enabled") {
      enabled = value;
    } else if (key == "first_ns" || key == "buckets") {
      const auto number = ParseNumbers(value);
      if (!number || number->size() != 1) return bad();
      (key == "buckets" ? buckets : histogram.first_ns) = number->front();
    } else if (const auto kind = kKinds.find(key); kind != kKinds.end()) {
      auto counts = ParseNumbers(value);
      if (!counts) return bad();
      histogram.counts[kind->second] = std::move(*counts);
    }
  }
  if (enabled == "off") return std::nullopt;
  if (enabled != "on" || histogram.first_ns == 0 || buckets == 0 || buckets > kMostBuckets ||
      histogram.counts.size() != kKinds.size()) {
    return bad();
  }
  for (const auto& [kind, counts] : histogram.counts) {
    if (counts.size() != buckets) return bad();
  }
  return histogram;
}

std::vector<v1::LatencyHistogram> CountedBetween(const TargetHistogram& before,
                                                 const TargetHistogram& now) {
  if (before.first_ns != now.first_ns) return {};
  std::vector<v1::LatencyHistogram> histograms;
  for (const auto& [kind, counts] : now.counts) {
    const auto older = before.counts.find(kind);
    if (older == before.counts.end() || older->second.size() != counts.size()) return {};
    v1::LatencyHistogram histogram;
    histogram.set_kind(kind);
    histogram.set_first_bucket_ns(now.first_ns);
    int used = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] < older->second[i]) return {};
      histogram.add_counts(counts[i] - older->second[i]);
      if (counts[i] != older->second[i]) used = histogram.counts_size();
    }
    histogram.mutable_counts()->Truncate(used);
    if (used != 0) histograms.push_back(std::move(histogram));
  }
  return histograms;
}

}  // namespace remapfleet::agent
