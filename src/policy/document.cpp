#include "vetquant/policy/document.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "vetquant/core/text.h"
#include "yaml_tree.h"

namespace vetquant {
namespace {

using Kind = YamlTree::Kind;

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  const std::string nearest = nearest_word(word, known);
  return nearest.empty() ? "; known: " + joined(known) : "; did you mean '" + nearest + "'?";
}

std::string shown(const YamlTree& tree) {
  switch (tree.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "'" + printable(tree.scalar, 60) + "'";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

template <class Number>
std::optional<Number> parsed(const std::string& text) {
  Number value{};
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string number_text(double value) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return error == std::errc() ? std::string(buffer, end) : std::string();
}

}  // namespace

std::string SourcePosition::text() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line) + (column > 0 ? ":" + std::to_string(column) : "");
  return text;
}

YamlValue::YamlValue(std::shared_ptr<const YamlTree> tree, std::shared_ptr<const std::string> file)
    : tree_(std::move(tree)), file_(std::move(file)) {}

bool YamlValue::is_null() const { return tree_->kind == Kind::kNull; }
bool YamlValue::is_scalar() const { return tree_->kind == Kind::kScalar; }
bool YamlValue::is_list() const { return tree_->kind == Kind::kList; }
bool YamlValue::is_map() const { return tree_->kind == Kind::kMap; }
SourcePosition YamlValue::position() const { return {*file_, tree_->line, tree_->column}; }

void YamlValue::fail(const std::string& what, ErrorCode code) const { throw Error(code, what, position().text()); }

std::string YamlValue::text(std::string_view what) const {
  if (!is_scalar() || tree_->scalar.empty())
    fail(std::string(what) + " must be a text, not " + (is_scalar() ? "an empty one" : shown(*tree_)));
  return tree_->scalar;
}

int64_t YamlValue::integer(std::string_view what, int64_t least, int64_t most) const {
  const std::optional<int64_t> value = is_scalar() && !tree_->quoted ? parsed<int64_t>(tree_->scalar) : std::nullopt;
  if (value && *value >= least && *value <= most) return *value;
  fail(std::string(what) + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most) +
       ", not " + shown(*tree_));
}

double YamlValue::number(std::string_view what, double least, double most) const {
  const std::optional<double> value = is_scalar() && !tree_->quoted ? parsed<double>(tree_->scalar) : std::nullopt;
  if (value && *value >= least && *value <= most) return *value;  // NaN fails both
  fail(std::string(what) + " must be a number from " + number_text(least) + " to " + number_text(most) + ", not " +
       shown(*tree_));
}

bool YamlValue::boolean(std::string_view what) const {
  if (is_scalar() && !tree_->quoted && tree_->scalar == "true") return true;
  if (is_scalar() && !tree_->quoted && tree_->scalar == "false") return false;
  fail(std::string(what) + " must be true or false, not " + shown(*tree_));
}

uint64_t YamlValue::bytes(std::string_view what) const {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr Unit kUnits[] = {{"kB", 1e3},     {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}, {"KiB", 0x1p10},
                             {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"B", 1},     {"", 1}};
  constexpr double kMost = 0x1p60;
  for (const Unit& unit : kUnits) {
    if (!is_scalar() || !tree_->scalar.ends_with(unit.name)) continue;
    std::string digits = tree_->scalar.substr(0, tree_->scalar.size() - unit.name.size());
    while (digits.ends_with(' ')) digits.pop_back();
    const std::optional<double> value = parsed<double>(digits);
    if (!value || !(*value >= 0) || !(*value * unit.bytes <= kMost)) break;
    return static_cast<uint64_t>(std::llround(*value * unit.bytes));
  }
  fail(std::string(what) + " must be a size such as 400MB or 1GiB, not " + shown(*tree_));
}

size_t YamlValue::word(std::string_view what, std::span<const std::string_view> known) const {
  if (!is_scalar()) fail(std::string(what) + " must be one of " + joined(known) + ", not " + shown(*tree_));
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i] == tree_->scalar) return i;
  }
  fail("unknown " + std::string(what) + " " + shown(*tree_) + suggestion(tree_->scalar, known));
}

std::vector<std::string> YamlValue::texts(std::string_view what) const {
  if (!is_list()) return {text(what)};
  std::vector<std::string> all;
  for (const YamlValue& item : list(what)) all.push_back(item.text(what));
  if (all.empty()) fail(std::string(what) + " is an empty list");
  return all;
}

std::vector<YamlValue> YamlValue::list(std::string_view what) const {
  if (!is_list()) fail(std::string(what) + " must be a list, not " + shown(*tree_));
  std::vector<YamlValue> items;
  items.reserve(tree_->items.size());
  for (const auto& item : tree_->items) items.emplace_back(item, file_);
  return items;
}

std::vector<std::pair<YamlValue, YamlValue>> YamlValue::entries(std::string_view what) const {
  if (!is_map()) fail(std::string(what) + " must be a map, not " + shown(*tree_));
  std::vector<std::pair<YamlValue, YamlValue>> all;
  std::set<std::string_view> seen;
  for (const auto& [key, value] : tree_->entries) {
    const YamlValue name(key, file_);
    if (!name.is_scalar()) name.fail("a key must be a word, not " + shown(*key));
    if (!seen.insert(key->scalar).second)
      name.fail("key '" + printable(key->scalar, 60) + "' stands twice in this map");
    all.emplace_back(name, YamlValue(value, file_));
  }
  return all;
}

YamlMap::YamlMap(const YamlValue& value, std::string_view what, std::span<const std::string_view> known)
    : value_(value), what_(what) {
  for (const auto& [key, entry] : value.entries(what)) {
    const std::string& name = key.tree_->scalar;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      key.fail("unknown key '" + printable(name, 60) + "' in " + what_ + suggestion(name, known));
    }
    entries_.emplace_back(key, entry);
  }
}

std::optional<YamlValue> YamlMap::find(std::string_view key) const {
  for (const auto& [name, entry] : entries_) {
    if (name.tree_->scalar != key) continue;
    if (entry.is_null())
      name.fail("'" + std::string(key) + "' has no value");  // yaml-cpp finds nothing where the next thing begins
    return entry;
  }
  return std::nullopt;
}

YamlValue YamlMap::need(std::string_view key) const {
  if (const auto found = find(key)) return *found;
  value_.fail(what_ + " needs the key '" + std::string(key) + "'");
}

}  // namespace vetquant
