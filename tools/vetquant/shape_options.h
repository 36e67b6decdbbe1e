// `--shape`, wherever it fixes the shapes of a model.
#pragma once

#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant::cli {

inline constexpr const char* kShapeHelp =
    "Fix an input's shape, INPUT=1x80x3000, or an open dimension that the inputs name, batch=1";

std::vector<ShapeBinding> shape_bindings(const std::vector<std::string>& texts);  // Error{kUsage}: no shape

}  // namespace vetquant::cli
