#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/result.h"

namespace remapfleet {

// Reads one TOML file strictly: each read marks its key as known, and `Finish` refuses what is
// left. Every error is INVALID_ARGUMENT and starts with "file:line:column: ". The first error
// sticks, so that a reader can ask for all its keys and look once. Keys are dotted:
// "tls.certificate".
class TomlConfig {
 public:
  // NOT_FOUND or PERMISSION_DENIED if the file cannot be read.
  static Result<TomlConfig> Load(const std::string& path);
  static Result<TomlConfig> Parse(std::string_view text, const std::string& name);
  TomlConfig(TomlConfig&&) noexcept;
  TomlConfig& operator=(TomlConfig&&) noexcept;
  ~TomlConfig();

  // The value, or `fallback` where the key is absent.
  std::string String(const std::string& key, const std::string& fallback);
  // Absence is an error.
  std::string RequiredString(const std::string& key);
  // Outside [low, high] is an error.
  std::int64_t Integer(const std::string& key, std::int64_t fallback, std::int64_t low,
                       std::int64_t high);
  bool Bool(const std::string& key, bool fallback);
  std::vector<std::string> Strings(const std::string& key);
  // Number of tables in the array of tables `key`; address them as "key[0].name".
  std::size_t TableCount(const std::string& key);

  // An error of the caller's own about `key`, with its place.
  void Refuse(const std::string& key, const std::string& why);

  // The first error, or the first key that nobody asked for.
  Status Finish();

 private:
  struct Impl;
  explicit TomlConfig(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace remapfleet
