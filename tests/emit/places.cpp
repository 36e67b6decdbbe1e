#include "places.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "vetquant/core/half.h"
#include "vetquant/model/graph_index.h"

namespace vetquant::test {
namespace {

bool in_if(Where where) { return where == Where::kIfOuter || where == Where::kIfInner || where == Where::kIfConstant; }
bool in_loop(Where where) { return where == Where::kLoopOuter || where == Where::kLoopInner; }
bool outer(Where where) { return where == Where::kTop || where == Where::kIfOuter || where == Where::kLoopOuter; }
bool inner(Where where) { return where == Where::kIfInner || where == Where::kLoopInner; }

int64_t ir_of(int64_t opset, Where where) {
  if (where == Where::kFunction) return opset >= 21 ? 10 : 8;
  if (opset <= 8) return where == Where::kTop ? 3 : 4;
  return opset >= 21 ? 10 : opset >= 15 ? 8 : opset >= 13 ? 7 : opset >= 11 ? 6 : 4;
}

int32_t onnx_type(const HostTensor& tensor) { return static_cast<int32_t>(tensor.dtype); }

template <class AddNode>
void add_nodes(const Case& c, const AddNode& add) {
  for (const NodeSpec& spec : c.nodes) {
    onnx::NodeProto& node = add(spec.op, spec.inputs, spec.outputs, spec.name);
    if (spec.attributes) spec.attributes(node);
  }
}

void add_body(const Case& c, Where where, GraphHandle graph) {
  if (inner(where)) {
    for (const Weight& weight : c.weights) graph.floats(weight.name, weight.dims, weight.values);
  } else if (where == Where::kIfConstant || where == Where::kTopConstant) {
    for (const Weight& weight : c.weights)
      graph.constant(weight.name, float_tensor(weight.name, weight.dims, weight.values));
  }
  add_nodes(c,
            [&](const std::string& op, const Names& in, const Names& out, const std::string& name) -> onnx::NodeProto& {
              return graph.node(op, in, out, name);
            });
}

void add_if(const Case& c, Where where, TestModel& model) {
  model.main().input("cond", onnx::TensorProto::BOOL, {});
  onnx::NodeProto& decide = model.main().node("If", {"cond"}, {"y"}, "decide");
  add_body(c, where, subgraph(decide, "then_branch"));
  // The branch's own name for y may not be the outer one.
  GraphHandle then_branch = subgraph(decide, "then_branch");
  then_branch.node("Identity", {"y"}, {"then_y"}, "then_out");
  for (auto& node : *then_branch.proto().mutable_node()) {
    for (auto& name : *node.mutable_input()) name = name == "y" ? "inner_y" : name;
    for (auto& name : *node.mutable_output()) name = name == "y" ? "inner_y" : name;
  }
  then_branch.output("then_y", kFloat, c.output_dims);
  size_t count = 1;
  for (int64_t dim : c.output_dims) count *= static_cast<size_t>(dim);
  GraphHandle else_branch = subgraph(decide, "else_branch");
  else_branch.constant("else_y", float_tensor("else_value", c.output_dims, std::vector<float>(count)));
  else_branch.output("else_y", kFloat, c.output_dims);
}

void add_loop(const Case& c, Where where, TestModel& model) {
  model.main().input("trip", kInt64, {});
  onnx::NodeProto& loop =
      model.main().node("Loop", {"trip", "", "trip"}, {"carried", "y"}, "repeat");  // opset 8 wants one
  GraphHandle body = subgraph(loop, "body");
  body.input("it", kInt64, {}).input("going", onnx::TensorProto::BOOL, {}).input("carry", kInt64, {});
  body.node("Identity", {"going"}, {"go_on"});
  body.node("Identity", {"carry"}, {"carry_on"});
  add_body(c, where, body);
  for (auto& node : *body.proto().mutable_node()) {
    for (auto& name : *node.mutable_input()) name = name == "y" ? "inner_y" : name;
    for (auto& name : *node.mutable_output()) name = name == "y" ? "inner_y" : name;
  }
  body.output("go_on", onnx::TensorProto::BOOL, {})
      .output("carry_on", kInt64, {})
      .output("inner_y", kFloat, c.output_dims);
}

void add_call(const Case& c, TestModel& model) {
  onnx::FunctionProto& function = model.function("local", "F", {c.input.name}, {"y"});
  for (const Weight& weight : c.weights) {
    set_tensor(add_node(function, "Constant", {}, {weight.name}), "value",
               float_tensor(weight.name, weight.dims, weight.values));
  }
  add_nodes(c,
            [&](const std::string& op, const Names& in, const Names& out, const std::string& name) -> onnx::NodeProto& {
              return add_node(function, op, in, out, name);
            });
  model.import_domain("local", 1);
  model.main().node("F", {c.input.name}, {"y"}, "call", "local");
}

std::shared_ptr<const RuntimeLibrary> library() { return RuntimeLibrary::open(find_runtime_library()); }

NodeId node_named(const GraphIndex& index, const std::string& name) {
  for (size_t n = 0; n < index.nodes().size(); ++n) {
    if (index.nodes()[n].proto->name() == name) return NodeId{static_cast<int32_t>(n)};
  }
  throw std::runtime_error("no node " + name);
}

TensorView swapped(const TensorView& view) {
  std::vector<int64_t> perm(view.shape().size());
  for (size_t d = 0; d < perm.size(); ++d) perm[d] = static_cast<int64_t>(d);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return view.transposed(perm);
}

PlannedTensor planned_tensor(const GraphIndex& index, const ConstantFinder& constants, const WeightPlan& plan, int id) {
  PlannedTensor tensor;
  tensor.id = id;
  tensor.name = plan.weight;
  tensor.form = plan.form;
  tensor.spec = plan.spec;
  tensor.layout = plan.layout;
  const bool half = plan.form == Form::kHalfStorage || plan.form == Form::kHalfCompute;
  tensor.stored_type = half ? plan.stored_type : plan.spec.code_type;
  for (const WeightPlan::Use& use : plan.uses) {
    const NodeId node = node_named(index, use.node);
    const ValueId value = index.node(node).inputs[static_cast<size_t>(use.input)];
    if (tensor.uses.empty()) {
      tensor.view = *constants.find(value);
      if (plan.swapped) tensor.view = swapped(tensor.view);
    }
    tensor.uses.push_back({node, use.input, use.transposed});
  }
  return tensor;
}

}  // namespace

std::vector<Where> all_places() {
  return {Where::kTop,        Where::kTopConstant, Where::kIfOuter,   Where::kIfInner,
          Where::kIfConstant, Where::kLoopOuter,   Where::kLoopInner, Where::kFunction};
}

std::string name_of(Where where) {
  constexpr const char* kNames[] = {"top",         "constant",   "if outer",   "if inner",
                                    "if constant", "loop outer", "loop inner", "function"};
  return kNames[static_cast<size_t>(where)];
}

const Weight& Case::weight(const std::string& name) const {
  for (const Weight& weight : weights) {
    if (weight.name == name) return weight;
  }
  throw std::runtime_error("no weight " + name);
}

TestModel build(const Case& c, Where where) {
  TestModel model(c.opset, ir_of(c.opset, where));
  model.main().input(c.input.name, onnx_type(c.input.tensor), c.input.tensor.shape);
  if (outer(where)) {
    for (const Weight& weight : c.weights) {
      model.main().floats(weight.name, weight.dims, weight.values);
      if (model.proto().ir_version() < 4) model.main().input(weight.name, kFloat, weight.dims);
    }
  }
  if (in_if(where)) {
    add_if(c, where, model);
  } else if (in_loop(where)) {
    add_loop(c, where, model);
  } else if (where == Where::kFunction) {
    add_call(c, model);
  } else {
    add_body(c, where, model.main());
  }
  Dims dims = c.output_dims;
  if (in_loop(where)) dims.insert(dims.begin(), -1);
  model.main().output("y", kFloat, dims);
  return model;
}

HostTensor run(const std::filesystem::path& model, const std::vector<NamedTensor>& inputs) {
  Session session(library(), model, {});
  return session.run(inputs, {"y"}).at(0).tensor;
}

std::vector<double> run(const std::filesystem::path& path, const Case& c, Where where) {
  std::vector<NamedTensor> inputs{c.input};
  if (in_if(where)) inputs.push_back({"cond", {DType::kBool, {}, {std::byte{1}}}});
  if (in_loop(where)) inputs.push_back({"trip", make_int64s({}, {1})});
  return to_doubles(run(path, inputs));
}

std::map<std::string, uint64_t> optimized(const std::filesystem::path& model) {
  const TempFolder folder;
  return optimized_operators(library(), model, {}, folder.path());
}

std::map<std::string, uint64_t> written(const std::filesystem::path& model) { return count_operators(model); }

Rewritten rewrite(const TestModel& model, const std::vector<WeightPlan>& weights, Contrib contrib,
                  const std::map<std::string, Form>& more, const CleanUp& clean_up) {
  Rewritten out;
  out.source = Model::load(out.folder->write("float.onnx", model));
  const GraphIndex index(out.source->skeleton());
  const ConstantFinder constants(*out.source, index);
  Plan plan;
  plan.clean_up = clean_up;
  std::map<NodeId, PlannedNode> nodes;
  for (const WeightPlan& weight : weights) {
    const int id = static_cast<int>(plan.tensors.size());
    plan.tensors.push_back(planned_tensor(index, constants, weight, id));
    for (const WeightPlan::Use& use : weight.uses) {
      PlannedNode& node = nodes[node_named(index, use.node)];
      node.node = node_named(index, use.node);
      node.form = use.form == Form::kKeep ? weight.form : use.form;
      if (node.tensors.empty() || node.tensors.back() != id) node.tensors.push_back(id);
      node.accuracy_level = weight.accuracy_level;
    }
  }
  for (const auto& [name, form] : more) {
    PlannedNode& node = nodes[node_named(index, name)];
    node.node = node_named(index, name);
    node.form = form;
  }
  for (const auto& [id, node] : nodes) plan.nodes.push_back(node);
  TargetProfile target;
  target.name = "test";
  target.contrib_ops = contrib == Contrib::kYes;
  out.emitted = emit(*out.source, index, constants, plan, target, {{"vetquant.version", "test"}});
  WriteOptions options;
  options.output = out.folder->path() / "out.onnx";
  options.threads = 1;
  out.path = write_model(*out.source, out.emitted, AlgorithmSet(), options).model_path;
  return out;
}

std::vector<float> dequantized(const Weight& weight, const WeightPlan& plan) {
  std::vector<float> out(weight.values.size());
  if (plan.form == Form::kHalfStorage || plan.form == Form::kHalfCompute) {
    for (size_t i = 0; i < out.size(); ++i) {
      const float w = weight.values[i];
      out[i] = plan.stored_type == DType::kFloat16 ? half_to_float(float_to_half(w))
                                                   : bfloat16_to_float(float_to_bfloat16(w));
    }
    return out;
  }
  const size_t rank = weight.dims.size();
  std::map<std::vector<int64_t>, std::vector<size_t>> groups;  // elements that share a scale
  std::vector<int64_t> at(rank, 0);
  for (size_t i = 0; i < out.size(); ++i) {
    std::vector<int64_t> stored = at, group(rank, 0);
    if (plan.swapped) std::swap(stored[rank - 1], stored[rank - 2]);
    for (int axis : plan.layout.channel_axes) group[static_cast<size_t>(axis)] = stored[static_cast<size_t>(axis)];
    if (plan.layout.block_axis >= 0) {
      const auto axis = static_cast<size_t>(plan.layout.block_axis);
      group[axis] = stored[axis] / plan.layout.block_size;
    }
    groups[group].push_back(i);
    for (size_t d = rank; d-- > 0 && ++at[d] == weight.dims[d];) at[d] = 0;
  }
  const AlgorithmSet algorithms;
  for (const auto& [group, members] : groups) {
    std::vector<float> values, scale(1), zero_point(1), back(members.size());
    for (size_t i : members) values.push_back(weight.values[i]);
    std::vector<uint8_t> codes(members.size());
    const auto length = static_cast<int64_t>(members.size());
    algorithms.find(plan.spec.algorithm).quantize(plan.spec, values, length, scale, zero_point, codes);
    decode(plan.spec, codes, length, scale, zero_point, back);
    for (size_t i = 0; i < members.size(); ++i) out[members[i]] = back[i];
  }
  return out;
}

Case with_dequantized(Case c, const std::vector<WeightPlan>& weights) {
  for (const WeightPlan& plan : weights) {
    for (Weight& weight : c.weights) {
      if (weight.name == plan.weight) weight.values = dequantized(weight, plan);
    }
  }
  return c;
}

NamedTensor with_rounded_activation(const NamedTensor& x) {
  NamedTensor out = x;
  std::vector<float> values(elements_of(x.tensor));
  std::memcpy(values.data(), x.tensor.data.data(), x.tensor.data.size());
  const float least = std::min(0.0f, *std::min_element(values.begin(), values.end()));
  const float most = std::max(0.0f, *std::max_element(values.begin(), values.end()));
  const float scale = (most - least) / 255.0f;
  const float zero = std::clamp(std::nearbyint(-least / scale), 0.0f, 255.0f);
  for (float& value : values) value = (std::clamp(std::nearbyint(value / scale) + zero, 0.0f, 255.0f) - zero) * scale;
  std::memcpy(out.tensor.data.data(), values.data(), out.tensor.data.size());
  return out;
}

double relative_error(const std::vector<double>& reference, const std::vector<double>& value) {
  if (reference.size() != value.size()) return std::numeric_limits<double>::infinity();
  double largest = 0, error = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    largest = std::max(largest, std::abs(reference[i]));
    error = std::max(error, std::abs(reference[i] - value[i]));
  }
  return error / largest;
}

double error_of(const Case& reference, const Case& c, Where where, const Rewritten& rewritten) {
  const auto path = rewritten.folder->write("reference.onnx", build(reference, where));
  return relative_error(run(path, reference, where), run(rewritten.path, c, where));
}

CodeRange exact_range() {
  std::ifstream file("/proc/cpuinfo");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const bool x86 = text.find("\nflags") != std::string::npos;
  return !x86 || text.find("vnni") != std::string::npos ? CodeRange::kFull : CodeRange::k7Bit;
}

}  // namespace vetquant::test
