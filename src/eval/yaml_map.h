// A YAML mapping read strictly: unknown keys and wrong types are Error{kUsage} "file:line:column: ...".
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace vetquant {

class TestSetMap {
 public:
  static TestSetMap load(const std::filesystem::path& path, std::string& text);  // text: the whole file
  TestSetMap(YAML::Node node, std::string file, const std::string& what);

  void allow_only(std::initializer_list<const char*> keys) const;
  bool has(const char* key) const { return node_[key].IsDefined() && !node_[key].IsNull(); }
  std::string text(const char* key) const;  // Error where it is missing
  std::string text_or(const char* key, const std::string& otherwise) const;
  int64_t integer(const char* key, int64_t least, int64_t most) const;
  int64_t integer_or(const char* key, int64_t otherwise, int64_t least, int64_t most) const;
  double number_or(const char* key, double otherwise) const;
  bool flag_or(const char* key, bool otherwise) const;
  std::vector<std::string> texts(const char* key) const;  // a list, or one word
  std::vector<int64_t> integers(const char* key) const;
  TestSetMap map(const char* key) const;
  std::vector<std::string> keys() const;
  YAML::Node node(const char* key) const { return node_[key]; }
  bool is_map(const char* key) const { return node_[key].IsMap(); }
  [[noreturn]] void fail(const char* key, const std::string& what) const;  // at the key's value, or at the mapping

 private:
  std::string where(const YAML::Node& node) const;
  YAML::Node node_;
  std::string file_;
};

}  // namespace vetquant
