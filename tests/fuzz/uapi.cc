// The published grammar's parsers. The first byte picks which.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "remap_status.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// What is printed is taken again and says the same.
void Table(std::string text) {
  remap_table first{};
  remap_table second{};
  const char* error = nullptr;
  if (remap_table_parse(text.data(), &first, &error) != 0) return Require(error != nullptr);
  std::vector<char> line(text.size() + 1024);
  const int n = remap_table_print(&first, line.data(), line.size());
  Require(n > 0 && static_cast<std::size_t>(n) < line.size());
  std::vector<char> again = line;
  Require(remap_table_parse(again.data(), &second, &error) == 0);
  std::vector<char> twice(line.size());
  Require(remap_table_print(&second, twice.data(), twice.size()) == n);
  Require(std::strcmp(line.data(), twice.data()) == 0);
}

void Status(const std::string& text) {
  remap_status status{};
  if (remap_status_parse(text.c_str(), &status) != 0) return;
  Require(status.mode < REMAP_MODE_NR && status.scrub_state < REMAP_SCRUB_NR);
}

void Replies(const std::string& text) {
  const char* at = text.c_str();
  remap_list_item item{};
  std::size_t lines = 0;
  while (remap_list_next(&at, &item) == 1)
    Require(at <= text.c_str() + text.size() && ++lines <= text.size());
  remap_query query{};
  if (remap_query_parse(text.c_str(), &query) == 0) Require(query.state < REMAP_BLOCK_NR);
  __u64 value = 0;
  static_cast<void>(remap_kv_u64(text.c_str(), "slot", &value));
  static_cast<void>(remap_u64_parse(text.c_str(), &value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 't':
      Table(text);
      break;
    case 's':
      Status(text);
      break;
    default:
      Replies(text);
  }
  return 0;
}
