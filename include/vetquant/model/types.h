// Handles of the graph: small integers that stay valid for the life of the GraphIndex that gave them.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace vetquant {

using Shape = std::vector<int64_t>;

template <class Tag>
struct Id {
  int32_t value = -1;
  bool valid() const { return value >= 0; }
  auto operator<=>(const Id&) const = default;
};
using ScopeId = Id<struct ScopeTag>;
using NodeId = Id<struct NodeTag>;
using ValueId = Id<struct ValueTag>;

}  // namespace vetquant
