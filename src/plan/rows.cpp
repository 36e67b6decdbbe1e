#include "rows.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

namespace vetquant::plan {
namespace {

constexpr int64_t kPlenty = int64_t{1} << 40;  // beyond any batch; keeps products of hostile dims in range

}  // namespace

Rows rows_at(const GraphIndex& index, const std::vector<ValueType>& types, const Site& site) {
  if (site.kind != SiteKind::kMatMulB && site.kind != SiteKind::kMatMulBatchedB && site.kind != SiteKind::kGemmB)
    return {};
  const NodeInfo& node = index.node(site.node);
  if (node.inputs.empty() || !node.inputs[0].valid()) return {};
  const ValueType& type = types[static_cast<size_t>(node.inputs[0].value)];
  if (!type.has_shape) return {};
  Shape dims = type.shape;
  if (dims.size() < 2) return {.count = 1, .at_least = false};
  if (site.kind == SiteKind::kGemmB && int_attribute(*node.proto, "transA", 0) != 0) std::swap(dims[0], dims[1]);
  Rows rows{.count = 1, .at_least = false};
  for (size_t i = 0; i + 1 < dims.size(); ++i) {
    if (dims[i] < 0) {
      rows.at_least = true;
    } else {
      rows.count = dims[i] == 0
                       ? 0
                       : std::min(kPlenty, rows.count * std::min(dims[i], kPlenty / std::max<int64_t>(rows.count, 1)));
    }
  }
  return rows;
}

std::string to_string(const Rows& rows) {
  if (rows.unknown()) return "unknown rows";
  const std::string count = std::to_string(rows.count) + (rows.count == 1 ? " row" : " rows");
  return rows.at_least ? "at least " + count + " (unknown dims assumed 1)" : count;
}

}  // namespace vetquant::plan
