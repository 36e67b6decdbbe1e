// A YAML document as our own tree, read with bounds: policies, targets, test sets and systems are hostile input, too.
//
// Every complaint is Error{kUsage} "file:line:column: ...": syntax errors, duplicate and unknown keys (with the nearest
// known one), a value of the wrong kind. Bounds: 1 MiB of text, nesting of 32, 200,000 values (or as YamlLimits say) with
// aliases counted as often as they are used. Tags, and anchors that contain themselves, are refused; one document per file.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vetquant/core/error.h"

namespace vetquant {

struct SourcePosition {
  std::string file;          // path, or "preset int8"
  int line = 0, column = 0;  // 1-based; 0 where there is none
  std::string text() const;  // "policy.yaml:12:9"
};

struct YamlTree;  // src/policy/yaml_tree.h

// One value of a document: cheap to copy, keeps the document alive.
class YamlValue {
 public:
  YamlValue(std::shared_ptr<const YamlTree> tree, std::shared_ptr<const std::string> file);

  bool is_null() const;
  bool is_scalar() const;
  bool is_list() const;
  bool is_map() const;
  SourcePosition position() const;
  [[noreturn]] void fail(const std::string& what, ErrorCode code = ErrorCode::kUsage) const;

  // `what` names the value in complaints: "block must be an integer from 1 to 65536, not 'x'".
  std::string text(std::string_view what) const;  // not empty
  int64_t integer(std::string_view what, int64_t least, int64_t most) const;
  double number(std::string_view what, double least, double most) const;
  bool boolean(std::string_view what) const;                                          // true, false
  uint64_t bytes(std::string_view what) const;                                        // 400MB, 1GiB, 4096
  size_t word(std::string_view what, std::span<const std::string_view> known) const;  // index into `known`
  std::vector<std::string> texts(std::string_view what) const;                        // one text, or a list of them
  std::vector<YamlValue> list(std::string_view what) const;
  std::vector<std::pair<YamlValue, YamlValue>> entries(std::string_view what) const;  // of a map, in file order

 private:
  friend class YamlMap;
  std::shared_ptr<const YamlTree> tree_;
  std::shared_ptr<const std::string> file_;
};

// A map whose keys are all known.
class YamlMap {
 public:
  YamlMap(const YamlValue& value, std::string_view what, std::span<const std::string_view> known);
  std::optional<YamlValue> find(std::string_view key) const;
  YamlValue need(std::string_view key) const;  // complains at the map's position
  const YamlValue& value() const { return value_; }

 private:
  YamlValue value_;
  std::string what_;
  std::vector<std::pair<YamlValue, YamlValue>> entries_;  // keys are scalars
};

struct YamlLimits {
  size_t mebibytes = 1;  // of text
  size_t values = 200'000;
};

YamlValue parse_yaml(const std::string& text, const std::string& file_name, const YamlLimits& limits = {});

// Text of a small file. Error{kIo} where it cannot be read, Error{kUsage} where it is no regular file or too long.
std::string read_small_file(const std::string& path, const YamlLimits& limits = {});

}  // namespace vetquant
