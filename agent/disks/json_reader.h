#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/posix/files.h"

namespace remapfleet::agent {

// Reads values by path, as in "temperature.current". Absent or null is nothing; of another type is
// nothing, and `odd` is told its path.
class JsonReader {
 public:
  using Json = nlohmann::json;
  using Odd = std::function<void(std::string_view path)>;

  // Both must outlive it.
  JsonReader(const Json& json, const Odd& odd) : json_(json), odd_(odd) {}

  const Json* Find(std::string_view path) const {
    const Json* at = &json_;
    while (!path.empty()) {
      const std::string key(path.substr(0, path.find('.')));
      path.remove_prefix(std::min(path.size(), key.size() + 1));
      const auto found = at->is_object() ? at->find(key) : at->end();
      if (!at->is_object() || found == at->end() || found->is_null()) return nullptr;
      at = &*found;
    }
    return at;
  }

  std::string Text(std::string_view path) const {
    const Json* value = Find(path);
    if (value == nullptr) return {};
    if (value->is_string()) return Trim(value->get_ref<const std::string&>());
    odd_(path);
    return {};
  }

  std::optional<std::uint64_t> Number(std::string_view path) const {
    const Json* value = Find(path);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned()) return value->get<std::uint64_t>();
    odd_(path);
    return std::nullopt;
  }

  std::optional<std::uint32_t> Small(std::string_view path) const {
    const auto value = Number(path);
    if (!value) return std::nullopt;
    if (*value <= std::numeric_limits<std::uint32_t>::max())
      return static_cast<std::uint32_t>(*value);
    odd_(path);
    return std::nullopt;
  }

  // A number, or one in a string, as those that need more digits than JavaScript has.
  std::optional<double> Real(std::string_view path) const {
    const Json* value = Find(path);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) return value->get<double>();
    if (value->is_string()) {
      const auto& text = value->get_ref<const std::string&>();
      double number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) return number;
    }
    odd_(path);
    return std::nullopt;
  }

  std::optional<bool> Flag(std::string_view path) const {
    const Json* value = Find(path);
    if (value == nullptr) return std::nullopt;
    if (value->is_boolean()) return value->get<bool>();
    odd_(path);
    return std::nullopt;
  }

  // The entries of a list, or of an object as a list; none if it is absent.
  std::vector<const Json*> Entries(std::string_view path) const {
    std::vector<const Json*> entries;
    const Json* value = Find(path);
    if (value == nullptr) return entries;
    if (!value->is_structured()) {
      odd_(path);
      return entries;
    }
    for (const Json& entry : *value) entries.push_back(&entry);
    return entries;
  }

  // The first of them that is there.
  std::string FirstText(std::initializer_list<std::string_view> paths) const {
    for (const std::string_view path : paths) {
      if (auto text = Text(path); !text.empty()) return text;
    }
    return {};
  }
  std::optional<std::uint64_t> FirstNumber(std::initializer_list<std::string_view> paths) const {
    for (const std::string_view path : paths) {
      if (Find(path) == nullptr) continue;
      if (const auto number = Number(path)) return number;
    }
    return std::nullopt;
  }

  const Odd& odd() const { return odd_; }

 private:
  const Json& json_;
  const Odd& odd_;
};

}  // namespace remapfleet::agent
