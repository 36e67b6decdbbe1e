#include "yaml_map.h"

#include <algorithm>

#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/text.h"

namespace vetquant {

TestSetMap TestSetMap::load(const std::filesystem::path& path, std::string& text) {
  constexpr uint64_t kLargest = uint64_t{16} << 20;
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  if (file->size_bytes() > kLargest)
    throw Error(ErrorCode::kUsage, "is too large for a test set; items belong into their own file", path.string());
  text.resize(file->size_bytes());
  file->read(0, std::as_writable_bytes(std::span(text)));
  try {
    return TestSetMap(YAML::Load(text), path.string(), "a test set");
  } catch (const YAML::Exception& error) {
    const std::string place =
        error.mark.is_null() ? ""
                             : ":" + std::to_string(error.mark.line + 1) + ":" + std::to_string(error.mark.column + 1);
    throw Error(ErrorCode::kUsage, "is not valid YAML: " + error.msg, path.string() + place);
  }
}

TestSetMap::TestSetMap(YAML::Node node, std::string file, const std::string& what)
    : node_(std::move(node)), file_(std::move(file)) {
  if (!node_.IsMap()) throw Error(ErrorCode::kUsage, what + " is a mapping of keys to values", where(node_));
}

std::string TestSetMap::where(const YAML::Node& node) const {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? file_ : file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

void TestSetMap::fail(const char* key, const std::string& what) const {
  const YAML::Node value = node_[key];
  throw Error(ErrorCode::kUsage, what, where(value.IsDefined() ? value : node_));
}

void TestSetMap::allow_only(std::initializer_list<const char*> keys) const {
  const std::vector<std::string> known(keys.begin(), keys.end());
  for (const auto& entry : node_) {
    const auto key = entry.first.as<std::string>("");
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = nearest_word(key, known);
    throw Error(ErrorCode::kUsage,
                "unknown key '" + printable(key) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
                where(entry.first));
  }
}

std::string TestSetMap::text(const char* key) const {
  if (!has(key)) throw Error(ErrorCode::kUsage, std::string("the key '") + key + "' is missing", where(node_));
  return text_or(key, "");
}

std::string TestSetMap::text_or(const char* key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  if (!node_[key].IsScalar()) fail(key, std::string("'") + key + "' must be one word or text");
  return node_[key].Scalar();
}

int64_t TestSetMap::integer(const char* key, int64_t least, int64_t most) const {
  text(key);
  return integer_or(key, least, least, most);
}

int64_t TestSetMap::integer_or(const char* key, int64_t otherwise, int64_t least, int64_t most) const {
  if (!has(key)) return otherwise;
  int64_t value = 0;
  if (!node_[key].IsScalar() || !YAML::convert<int64_t>::decode(node_[key], value) || value < least || value > most) {
    fail(key,
         std::string("'") + key + "' must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

bool TestSetMap::flag_or(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  bool value = false;
  if (!node_[key].IsScalar() || !YAML::convert<bool>::decode(node_[key], value))
    fail(key, std::string("'") + key + "' must be true or false");
  return value;
}

double TestSetMap::number_or(const char* key, double otherwise) const {
  if (!has(key)) return otherwise;
  double value = 0;
  if (!node_[key].IsScalar() || !YAML::convert<double>::decode(node_[key], value))
    fail(key, std::string("'") + key + "' must be a number");
  return value;
}

std::vector<std::string> TestSetMap::texts(const char* key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  if (node_[key].IsScalar()) return {node_[key].Scalar()};
  if (!node_[key].IsSequence()) fail(key, std::string("'") + key + "' must be a list");
  for (const auto& entry : node_[key]) {
    if (!entry.IsScalar()) fail(key, std::string("'") + key + "' must be a list of words");
    values.push_back(entry.Scalar());
  }
  return values;
}

std::vector<int64_t> TestSetMap::integers(const char* key) const {
  std::vector<int64_t> values;
  for (const auto& entry : node_[key]) {
    int64_t value = 0;
    if (!entry.IsScalar() || !YAML::convert<int64_t>::decode(entry, value) || value < 0)
      fail(key, std::string("'") + key + "' must be a list of sizes");
    values.push_back(value);
  }
  return values;
}

TestSetMap TestSetMap::map(const char* key) const {
  if (!has(key)) throw Error(ErrorCode::kUsage, std::string("the key '") + key + "' is missing", where(node_));
  return {node_[key], file_, std::string("'") + key + "'"};
}

std::vector<std::string> TestSetMap::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : node_) keys.push_back(entry.first.as<std::string>(""));
  return keys;
}

}  // namespace vetquant
