#include "controller/history/page_token.h"

#include <fmt/format.h>

namespace remapfleet {

std::string MakePageToken(const std::vector<std::string>& key) {
  std::string token;
  for (const std::string& part : key) {
    for (const char c : part) token += fmt::format("{:02x}", static_cast<unsigned char>(c));
    token += '-';
  }
  return token;
}

Result<std::vector<std::string>> ParsePageToken(std::string_view token, std::size_t parts) {
  std::vector<std::string> key;
  std::string part;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < token.size();) {
    if (token[i] == '-') {
      key.push_back(std::move(part));
      part.clear();
      ++i;
      continue;
    }
    const int high = digit(token[i]);
    const int low = i + 1 < token.size() ? digit(token[i + 1]) : -1;
    if (high < 0 || low < 0) break;
    part += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!token.empty() && (key.size() != parts || !part.empty() || MakePageToken(key) != token)) {
    return Fail(Code::kInvalidArgument, "page_token is not one that this service gave out");
  }
  return key;
}

}  // namespace remapfleet
