#include <vector>

#include "builtin.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {

bool is_builtin_algorithm(std::string_view name) { return name == "rtn" || name == "mse"; }

AlgorithmSet::AlgorithmSet() : algorithms_{make_rtn(), make_mse()} {}

std::vector<std::string> AlgorithmSet::names() const {
  std::vector<std::string> all;
  for (const auto& algorithm : algorithms_) all.emplace_back(algorithm->name());
  return all;
}

const Algorithm& AlgorithmSet::find(std::string_view name) const {
  for (const auto& algorithm : algorithms_) {
    if (algorithm->name() == name) return *algorithm;
  }
  const std::string nearest = nearest_word(name, names());
  std::string hint = "; did you mean '" + nearest + "'?";
  if (nearest.empty()) {
    hint = "; known are ";
    for (const std::string& known : names()) hint += (known == names().front() ? "" : ", ") + known;
  }
  throw Error(ErrorCode::kUsage, "unknown algorithm '" + printable(name) + "'" + hint);
}

}  // namespace vetquant
