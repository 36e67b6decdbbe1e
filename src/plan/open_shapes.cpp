#include "open_shapes.h"

#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

std::string shape_text(const ValueType& type) {
  if (!type.has_shape) return "DIMS";
  std::string text;
  for (size_t d = 0; d < type.shape.size(); ++d) {
    const std::string symbol =
        type.symbols.size() > d && !type.symbols[d].empty() ? printable(type.symbols[d], 24) : "?";
    text += (d == 0 ? "" : "x") + (type.shape[d] < 0 ? symbol : std::to_string(type.shape[d]));
  }
  return text;
}

}  // namespace

bool is_open(const ValueType& type, size_t first_axis) {
  if (!type.has_shape) return true;
  for (size_t d = first_axis; d < type.shape.size(); ++d) {
    if (type.shape[d] < 0) return true;
  }
  return false;
}

std::string shape_options(const GraphIndex& index, const std::vector<ValueType>& types, size_t first_axis) {
  std::string text;
  for (const ValueId input : index.scope(ScopeId{0}).inputs) {
    const ValueInfo& value = index.value(input);
    const ValueType& type = types[static_cast<size_t>(input.value)];
    if (value.kind != ValueKind::kInput || !is_open(type, first_axis)) continue;
    text += (text.empty() ? "" : " ") + ("--shape " + printable(value.name, 60)) + "=" + shape_text(type);
  }
  return text;
}

}  // namespace vetquant::plan
