#include "vetquant/model/graph_index.h"

#include <onnx/onnx_pb.h>

#include "attributes.h"
#include "graph_builder.h"
#include "inferred.h"

namespace vetquant {

GraphIndex::GraphIndex(const onnx::ModelProto& skeleton)
    : skeleton_(&skeleton), inferred_(std::make_shared<Inferred>()) {
  GraphIndexBuilder(*this).build();
}

std::string GraphIndex::address(ValueId id) const {
  const ValueInfo& info = value(id);
  return join_address(scope(info.scope).path, info.name);
}

ValueId GraphIndex::lookup(ScopeId scope_id, std::string_view name) const {
  const std::string key(name);
  for (ScopeId at = scope_id; at.valid(); at = scope(at).parent) {
    const auto& names = names_[static_cast<size_t>(at.value)];
    if (const auto found = names.find(key); found != names.end()) return found->second;
  }
  return {};
}

NodeId GraphIndex::find_node(std::string_view address) const {
  const auto found = nodes_by_address_.find(std::string(address));
  return found == nodes_by_address_.end() ? NodeId{} : found->second;
}

ValueId GraphIndex::find_value(std::string_view address) const {
  const std::string key(address);
  if (const auto found = names_[0].find(key); found != names_[0].end()) return found->second;
  // The name may have slashes of its own: try every scope whose path is a prefix.
  for (size_t at = address.rfind('/'); at != std::string_view::npos && at > 0; at = address.rfind('/', at - 1)) {
    const auto scope_found = scopes_by_path_.find(std::string(address.substr(0, at)));
    if (scope_found == scopes_by_path_.end()) continue;
    const auto& names = names_[static_cast<size_t>(scope_found->second.value)];
    for (const size_t skip : {at + 1, at}) {
      const auto found = names.find(std::string(address.substr(skip)));
      if (found != names.end()) return found->second;
    }
  }
  return {};
}

bool GraphIndex::overridable(ValueId id) const { return value(id).also_input && skeleton_->ir_version() >= 4; }

int64_t GraphIndex::opset(ScopeId scope_id, std::string_view domain) const {
  ScopeId root = scope_id;
  while (scope(root).parent.valid()) root = scope(root).parent;
  const auto find = [&](const auto& imports) {
    for (const auto& import : imports) {
      if (normal_domain(import.domain()) == normal_domain(domain)) return static_cast<int64_t>(import.version());
    }
    return int64_t{0};
  };
  const auto* function = scope(root).function;
  return function != nullptr ? find(function->opset_import()) : find(skeleton_->opset_import());
}

}  // namespace vetquant
