#include "shape_options.h"

#include "commands.h"

namespace vetquant::cli {

std::vector<ShapeBinding> shape_bindings(const std::vector<std::string>& texts) {
  std::vector<ShapeBinding> bindings;
  for (auto& [input, shape] : parse_shapes(texts)) bindings.push_back({input, std::move(shape)});
  return bindings;
}

}  // namespace vetquant::cli
