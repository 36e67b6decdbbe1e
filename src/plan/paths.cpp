#include "paths.h"

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

// The node of `scope` in which `node` lies, or itself; invalid where it lies elsewhere.
NodeId ancestor_in(const GraphIndex& index, ScopeId scope, NodeId node) {
  while (node.valid() && index.node(node).scope != scope) node = index.scope(index.node(node).scope).owner;
  return node;
}

// What each node of the scope reads of that scope, directly or in its subgraphs.
class ScopeFlow {
 public:
  ScopeFlow(const GraphIndex& index, ScopeId scope) : index_(index), scope_(scope), inputs_(index.nodes().size()) {
    for (size_t i = 0; i < index.values().size(); ++i) {
      const ValueInfo& value = index.values()[i];
      if (value.scope != scope) continue;
      for (const ValueUse& use : value.uses) {
        const NodeId reader = ancestor_in(index, scope, use.node);
        if (reader.valid()) inputs_[static_cast<size_t>(reader.value)].push_back(ValueId{static_cast<int32_t>(i)});
      }
    }
  }

  NodeSet downstream(ValueId from) const {
    NodeSet seen(index_.nodes().size(), false);
    std::vector<ValueId> todo{from};
    while (!todo.empty()) {
      const ValueId value = todo.back();
      todo.pop_back();
      for (const ValueUse& use : index_.value(value).uses) {
        const NodeId reader = ancestor_in(index_, scope_, use.node);
        if (!reader.valid() || seen[static_cast<size_t>(reader.value)]) continue;
        seen[static_cast<size_t>(reader.value)] = true;
        for (ValueId output : index_.node(reader).outputs) {
          if (output.valid()) todo.push_back(output);
        }
      }
    }
    return seen;
  }

  NodeSet upstream(ValueId to) const {
    NodeSet seen(index_.nodes().size(), false);
    std::vector<ValueId> todo{to};
    while (!todo.empty()) {
      const NodeId producer = index_.value(todo.back()).producer;
      todo.pop_back();
      if (!producer.valid() || seen[static_cast<size_t>(producer.value)]) continue;
      seen[static_cast<size_t>(producer.value)] = true;
      const auto& inputs = inputs_[static_cast<size_t>(producer.value)];
      todo.insert(todo.end(), inputs.begin(), inputs.end());
    }
    return seen;
  }

 private:
  const GraphIndex& index_;
  ScopeId scope_;
  std::vector<std::vector<ValueId>> inputs_;
};

ValueId end_of(const GraphIndex& index, const Rule& rule, const std::string& address) {
  const ValueId value = index.find_value(address);
  if (value.valid() || rule.inherited == Inherited::kYes) return value;
  std::vector<std::string> known;
  for (size_t i = 0; i < index.values().size(); ++i) known.push_back(index.address(ValueId{static_cast<int32_t>(i)}));
  const std::string nearest = nearest_word(address, known);
  throw Error(ErrorCode::kUsage,
              "the model has no value '" + printable(address) + "' for `between`" +
                  (nearest.empty() ? "; `vetquant inspect` prints the addresses" : "; did you mean '" + nearest + "'?"),
              rule.position.text());
}

}  // namespace

NodeSet nodes_between(const GraphIndex& index, const Rule& rule) {
  NodeSet result(index.nodes().size(), false);
  if (rule.match.between.size() != 2) {
    throw Error(ErrorCode::kUsage, "`between` takes two values: [from, to]", rule.position.text());
  }
  const ValueId from = end_of(index, rule, rule.match.between[0]);
  const ValueId to = end_of(index, rule, rule.match.between[1]);
  if (!from.valid() || !to.valid()) return result;
  if (index.value(from).scope != index.value(to).scope) {
    throw Error(ErrorCode::kUsage,
                "`between` takes two values of one scope; '" + rule.match.between[0] + "' and '" +
                    rule.match.between[1] + "' are not",
                rule.position.text());
  }
  const ScopeId scope = index.value(from).scope;
  const ScopeFlow flow(index, scope);
  const NodeSet down = flow.downstream(from), up = flow.upstream(to);
  for (size_t i = 0; i < result.size(); ++i) {
    const NodeId outer = ancestor_in(index, scope, NodeId{static_cast<int32_t>(i)});
    if (!outer.valid()) continue;
    result[i] = down[static_cast<size_t>(outer.value)] && up[static_cast<size_t>(outer.value)];
  }
  return result;
}

}  // namespace vetquant::plan
