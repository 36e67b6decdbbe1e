// One "{key: value, ...}" in the fixed spelling of policies and profiles.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "use_reader.h"

namespace vetquant {

class MapText {
 public:
  void add(std::string_view key, const std::string& value) {
    text_.append(text_.empty() ? "" : ", ").append(key).append(": ").append(value);
  }
  void add_list(std::string_view key, const std::vector<std::string>& texts) {
    if (!texts.empty()) add(key, list(texts));
  }
  void add_number(std::string_view key, const std::optional<double>& value) {
    if (value) add(key, yaml_number(*value));
  }
  template <class Integer>
  void add_integer(std::string_view key, const std::optional<Integer>& value) {
    if (value) add(key, std::to_string(*value));
  }
  void add_flag(std::string_view key, bool value) { add(key, value ? "true" : "false"); }
  std::string text() const { return "{" + text_ + "}"; }

  static std::string list(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + yaml_text(text);
    return "[" + all + "]";
  }

 private:
  std::string text_;
};

}  // namespace vetquant
