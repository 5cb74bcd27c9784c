#include "support/toml_config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>

namespace remapfleet {

struct TomlConfig::Impl {
  toml::table root;
  std::string name;
  std::set<const toml::node*> known;
  std::optional<Error> first_error;

  std::string Place(const toml::node& node) const {
    return fmt::format("{}:{}:{}: ", name, node.source().begin.line, node.source().begin.column);
  }

  void Refuse(const toml::node* node, const std::string& why) {
    if (first_error) return;
    first_error.emplace(Code::kInvalidArgument,
                        (node != nullptr ? Place(*node) : name + ":1:1: ") + why);
  }

  // Marks the node and the tables that lead to it.
  const toml::node* Find(const std::string& key) {
    const toml::node* node = root.at_path(key).node();
    if (node != nullptr) known.insert(node);
    return node;
  }

  template <class T>
  std::optional<T> Value(const std::string& key, const char* type) {
    const toml::node* node = Find(key);
    if (node == nullptr) return std::nullopt;
    if (auto value = node->value_exact<T>()) return value;
    Refuse(node, fmt::format("{} must be {}", key, type));
    return std::nullopt;
  }

  void CheckKnown(const toml::node& node, const std::string& path) {
    if (first_error || known.contains(&node)) return;
    if (const auto* table = node.as_table()) {
      for (const auto& [key, child] : *table) {
        const std::string name_of_child(key.str());
        const std::string child_path =
            path.empty() ? name_of_child : fmt::format("{}.{}", path, name_of_child);
        if (first_error || known.contains(&child)) continue;
        if (child.is_table() || child.is_array_of_tables()) {
          CheckKnown(child, child_path);
          continue;
        }
        first_error.emplace(Code::kInvalidArgument,
                            fmt::format("{}:{}:{}: unknown key {}", name, key.source().begin.line,
                                        key.source().begin.column, child_path));
      }
    } else if (const auto* array = node.as_array()) {
      for (std::size_t i = 0; i < array->size(); ++i) {
        CheckKnown(*array->get(i), fmt::format("{}[{}]", path, i));
      }
    }
  }
};

TomlConfig::TomlConfig(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TomlConfig::TomlConfig(TomlConfig&&) noexcept = default;
TomlConfig& TomlConfig::operator=(TomlConfig&&) noexcept = default;
TomlConfig::~TomlConfig() = default;

Result<TomlConfig> TomlConfig::Load(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return Fail(Error::FromErrno(errno != 0 ? errno : EIO, "configuration " + path));
  }
  return Parse(text.str(), path);
}

Result<TomlConfig> TomlConfig::Parse(std::string_view text, const std::string& name) {
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  try {
    impl->root = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}:{}:{}: {}", name, error.source().begin.line,
                            error.source().begin.column, error.description()));
  }
  return TomlConfig(std::move(impl));
}

std::string TomlConfig::String(const std::string& key, const std::string& fallback) {
  return impl_->Value<std::string>(key, "a string").value_or(fallback);
}

std::string TomlConfig::RequiredString(const std::string& key) {
  auto value = impl_->Value<std::string>(key, "a string");
  if (!value || value->empty()) impl_->Refuse(impl_->Find(key), key + " must be set");
  return value.value_or("");
}

std::int64_t TomlConfig::Integer(const std::string& key, std::int64_t fallback, std::int64_t low,
                                 std::int64_t high) {
  const auto value = impl_->Value<std::int64_t>(key, "a whole number");
  if (!value) return fallback;
  if (*value < low || *value > high) {
    impl_->Refuse(impl_->Find(key), fmt::format("{} must be {} to {}", key, low, high));
    return fallback;
  }
  return *value;
}

bool TomlConfig::Bool(const std::string& key, bool fallback) {
  return impl_->Value<bool>(key, "true or false").value_or(fallback);
}

std::vector<std::string> TomlConfig::Strings(const std::string& key) {
  std::vector<std::string> values;
  const toml::node* node = impl_->Find(key);
  if (node == nullptr) return values;
  const auto* array = node->as_array();
  if (array == nullptr) {
    impl_->Refuse(node, key + " must be a list of strings");
    return values;
  }
  for (const auto& element : *array) {
    if (auto text = element.value_exact<std::string>()) {
      values.push_back(*text);
    } else {
      impl_->Refuse(&element, key + " must be a list of strings");
    }
  }
  return values;
}

std::size_t TomlConfig::TableCount(const std::string& key) {
  const toml::node* node = impl_->root.at_path(key).node();
  if (node == nullptr) return 0;
  const auto* array = node->as_array();
  if (array == nullptr || !node->is_array_of_tables()) {
    impl_->Refuse(node, fmt::format("{} must be written as [[{}]]", key, key));
    return 0;
  }
  return array->size();
}

void TomlConfig::Refuse(const std::string& key, const std::string& why) {
  impl_->Refuse(impl_->Find(key), why);
}

Status TomlConfig::Finish() {
  impl_->CheckKnown(impl_->root, "");
  if (impl_->first_error) return Fail(*impl_->first_error);
  return {};
}

}  // namespace remapfleet
