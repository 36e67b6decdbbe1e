#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/model/rewrites.h"

namespace vetquant {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorCode::kUsage, what); }

std::string in_quotes(const std::string& name) { return "'" + printable(name, 80) + "'"; }

class Resolver {
 public:
  explicit Resolver(const GraphIndex& index) {
    const onnx::GraphProto& graph = index.skeleton().graph();
    for (const ValueId id : index.scope(ScopeId{0}).inputs) {
      if (index.value(id).kind != ValueKind::kInput) continue;
      for (const auto& input : graph.input()) {
        if (input.name() == index.value(id).name && input.type().has_tensor_type()) add_input(input);
      }
    }
  }

  std::vector<ShapeBinding> run(const std::vector<ShapeBinding>& bindings) {
    for (const ShapeBinding& binding : bindings) {
      if (inputs_.contains(binding.input)) {
        bind_input(binding);
      } else if (symbols_.contains(binding.input)) {
        bind_symbol(binding);
      } else {
        fail(unknown(binding.input));
      }
    }
    std::vector<ShapeBinding> resolved;
    for (const std::string& name : order_) {
      Input& input = inputs_.at(name);
      bool bound = input.bound;
      for (size_t d = 0; d < input.symbols.size(); ++d) {
        const auto symbol = symbols_.find(input.symbols[d]);
        if (symbol == symbols_.end() || symbol->second.number < 0) continue;
        input.shape[d] = symbol->second.number;
        bound = true;
      }
      if (bound) resolved.push_back({name, input.shape});
    }
    return resolved;
  }

 private:
  struct Input {
    bool has_shape = false, bound = false;
    Shape shape;                       // -1: open
    std::vector<std::string> symbols;  // "" where a number or without a name
  };
  struct Symbol {
    int64_t number = -1;
    std::string by;  // the binding that said it
  };

  void add_input(const onnx::ValueInfoProto& info) {
    Input input;
    const auto& tensor = info.type().tensor_type();
    input.has_shape = tensor.has_shape();
    for (const auto& dim : tensor.shape().dim()) {
      input.shape.push_back(dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : -1);
      input.symbols.push_back(dim.has_dim_param() ? dim.dim_param() : "");
      if (!input.symbols.back().empty()) symbols_.try_emplace(input.symbols.back());
    }
    order_.push_back(info.name());
    inputs_.emplace(info.name(), std::move(input));
  }

  std::string unknown(const std::string& name) const {
    std::string inputs, dims;
    for (const std::string& known : order_) inputs += (inputs.empty() ? "" : ", ") + in_quotes(known);
    for (const auto& [known, symbol] : symbols_) dims += (dims.empty() ? "" : ", ") + in_quotes(known);
    std::string text = "the model has no input " + in_quotes(name) + "; its inputs are " + inputs;
    return dims.empty() ? text : text + ", its open dimensions " + dims;
  }

  void set_symbol(const std::string& name, int64_t number, const std::string& by) {
    Symbol& symbol = symbols_.at(name);
    if (symbol.number >= 0 && symbol.number != number) {
      fail("the dimension " + in_quotes(name) + " is " + std::to_string(symbol.number) + " by the shape for " +
           in_quotes(symbol.by) + " and " + std::to_string(number) + " by that for " + in_quotes(by));
    }
    symbol = {number, by};
  }

  void bind_symbol(const ShapeBinding& binding) {
    if (binding.shape.size() != 1) {
      fail("'" + printable(binding.input, 80) + "' is a dimension: give one number, not " +
           std::to_string(binding.shape.size()));
    }
    set_symbol(binding.input, binding.shape[0], binding.input);
  }

  void bind_input(const ShapeBinding& binding) {
    Input& input = inputs_.at(binding.input);
    const std::string who = "the shape for input '" + printable(binding.input, 80) + "'";
    if (input.has_shape && input.shape.size() != binding.shape.size()) {
      fail(who + " has " + std::to_string(binding.shape.size()) + " dimensions, but the model says " +
           std::to_string(input.shape.size()));
    }
    if (!input.has_shape) {
      input.has_shape = true;
      input.shape.assign(binding.shape.size(), -1);
      input.symbols.assign(binding.shape.size(), "");
    }
    for (size_t d = 0; d < binding.shape.size(); ++d) {
      const int64_t wanted = binding.shape[d];
      if (wanted <= 0) fail(who + " says " + std::to_string(wanted) + "; it must be positive");
      if (input.shape[d] >= 0 && input.shape[d] != wanted)
        fail(who + " says " + std::to_string(wanted) + " where " + (input.bound ? "another one" : "the model") +
             " says " + std::to_string(input.shape[d]));
      input.shape[d] = wanted;
      if (!input.symbols[d].empty()) set_symbol(input.symbols[d], wanted, binding.input);
    }
    input.bound = true;
  }

  std::vector<std::string> order_;
  std::map<std::string, Input> inputs_;
  std::map<std::string, Symbol> symbols_;
};

}  // namespace

std::vector<ShapeBinding> resolved_shapes(const GraphIndex& index, const std::vector<ShapeBinding>& bindings) {
  return bindings.empty() ? std::vector<ShapeBinding>() : Resolver(index).run(bindings);
}

}  // namespace vetquant
