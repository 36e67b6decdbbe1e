#include "context.h"

#include <numeric>

#include "vetquant/core/error.h"
#include "vetquant/quant/log_scale.h"

namespace vetquant {
namespace {

DType stored_type(ScaleType type) {
  return type == ScaleType::kFloat32 ? DType::kFloat32 : type == ScaleType::kFloat16 ? DType::kFloat16 : DType::kUint8;
}

}  // namespace

EmitContext::EmitContext(const Model&, const GraphIndex& index, const Plan& plan, const TargetProfile& target)
    : index_(index), plan_(plan), target_(target), editor_(index), types_(infer_types(index)) {
  for (size_t i = 0; i < plan.tensors.size(); ++i) tensor_at_.emplace(plan.tensors[i].id, i);
  for (const PlannedNode& node : plan.nodes) planned_.emplace(node.node.value, &node);
}

const PlannedNode* EmitContext::planned(NodeId node) const {
  const auto found = planned_.find(node.value);
  return found == planned_.end() ? nullptr : found->second;
}

const PlannedTensor* EmitContext::tensor_at(const PlannedNode& node, int input) const {
  for (int id : node.tensors) {
    for (const auto& use : tensor(id).uses) {
      if (use.node == node.node && use.input == input) return &tensor(id);
    }
  }
  return nullptr;
}

const PlannedTensor::WeightUse& EmitContext::use_at(const PlannedTensor& tensor, NodeId node, int input) {
  for (const auto& use : tensor.uses) {
    if (use.node == node && use.input == input) return use;
  }
  throw Error(ErrorCode::kInternal, "the plan does not list a use of its own", tensor.name);
}

const ValueType& EmitContext::type(ValueId value) const {
  static const ValueType unknown;
  return value.valid() ? types_[static_cast<size_t>(value.value)] : unknown;
}

ScopeId EmitContext::scope_of(const PlannedTensor& tensor) const {
  if (tensor.uses.empty()) throw Error(ErrorCode::kInternal, "the plan quantizes a tensor without uses", tensor.name);
  ScopeId scope = index_.node(tensor.uses.front().node).scope;
  for (const auto& use : tensor.uses) scope = editor_.common_scope(scope, index_.node(use.node).scope);
  return editor_.home_of(scope);
}

NodeWriter EmitContext::before(NodeId node) {
  const onnx::NodeProto& proto = *index_.node(node).proto;
  return NodeWriter(editor_, editor_.before(node),
                    proto.name().empty() ? proto.op_type() + "_" + proto.output(0) : proto.name());
}

NodeWriter EmitContext::at_start(const PlannedTensor& tensor) {
  return NodeWriter(editor_, editor_.start_of(scope_of(tensor)), base_name(tensor));
}

// Addresses begin with the scope's path; names need not.
std::string EmitContext::base_name(const PlannedTensor& tensor) const {
  const auto& use = tensor.uses.front();
  const std::string& input = index_.node(use.node).proto->input(use.input);
  return input.empty() ? tensor.name : input;
}

std::string EmitContext::declare(const PlannedTensor& tensor, const std::string& suffix, DeclaredTensor declared) {
  declared.name = editor_.unique_name(base_name(tensor) + suffix);
  onnx::TensorProto& proto = editor_.add_tensor(scope_of(tensor), declared.name, declared.dtype, declared.shape);
  set_mark(proto, kDeclaredMark, static_cast<int64_t>(emitted_.declared.size()));
  emitted_.declared.push_back(std::move(declared));
  return emitted_.declared.back().name;
}

const StoredCodes& EmitContext::store_codes(const PlannedTensor& tensor, const CodesLayout& layout) {
  if (const auto found = codes_.find(tensor.id); found != codes_.end()) {
    if (found->second.layout == layout) return found->second;
    throw Error(ErrorCode::kInternal, "the plan gives one tensor to two forms that store it differently", tensor.name);
  }
  QuantJob job;
  job.name = tensor.name;
  job.source = tensor.view;
  job.proven_equal = tensor.proven_equal;
  job.spec = tensor.spec;
  job.layout = tensor.layout;
  job.pad_last_axis_to = layout.pad_last_axis_to;
  job.zero_point_packing = layout.zero_point_packing;
  job.code_xor = layout.code_xor;
  const int id = static_cast<int>(emitted_.jobs.size());
  emitted_.jobs.push_back(std::move(job));

  const auto make = [id](RecipeKind kind, DType type, const Shape& shape) {
    DeclaredTensor declared;
    declared.kind = kind;
    declared.job = id;
    declared.dtype = type;
    declared.shape = shape;
    return declared;
  };
  StoredCodes stored;
  stored.scope = scope_of(tensor);
  stored.layout = layout;
  stored.job = id;
  stored.codes = declare(tensor, "_codes", make(RecipeKind::kCodes, layout.code_type, layout.codes));
  stored.scale = declare(tensor, "_scale", make(RecipeKind::kScale, stored_type(tensor.spec.scale_type), layout.scale));
  stored.scale = float_scale(tensor, stored.scale);
  if (layout.zero_point) {
    stored.zero_point =
        declare(tensor, "_zero_point", make(RecipeKind::kZeroPoint, layout.zero_point_type, *layout.zero_point));
  }
  return codes_.emplace(tensor.id, std::move(stored)).first->second;
}

EmitContext::StoredBias EmitContext::store_bias(const PlannedBias& bias) {
  const StoredCodes& weight = codes_.at(bias.weight);
  QuantJob& job = emitted_.jobs[static_cast<size_t>(weight.job)];
  job.biases.push_back({bias.view, bias.input_scale});
  const std::string prefix = index_.node(bias.node).proto->input(bias.input);
  const auto store = [&](RecipeKind kind, DType type, const std::string& suffix) {
    DeclaredTensor declared;
    declared.name = editor_.unique_name(prefix + suffix);
    declared.kind = kind;
    declared.dtype = type;
    declared.shape = bias.view.shape();
    declared.job = weight.job;
    declared.bias = static_cast<int>(job.biases.size()) - 1;
    onnx::TensorProto& proto =
        editor_.add_tensor(index_.node(bias.node).scope, declared.name, declared.dtype, declared.shape);
    set_mark(proto, kDeclaredMark, static_cast<int64_t>(emitted_.declared.size()));
    emitted_.declared.push_back(std::move(declared));
    return emitted_.declared.back().name;
  };
  StoredBias stored;
  stored.codes = store(RecipeKind::kBias, DType::kInt32, "_codes");
  stored.scale = store(RecipeKind::kBiasScale, DType::kFloat32, "_scale");
  return stored;
}

// The runtime computes it once, when it loads the model.
std::string EmitContext::float_scale(const PlannedTensor& tensor, const std::string& stored) {
  if (tensor.spec.scale_type == ScaleType::kFloat32) return stored;
  NodeWriter writer = at_start(tensor);
  if (tensor.spec.scale_type == ScaleType::kFloat16) return writer.cast(stored, DType::kFloat32);
  const ScopeId scope = scope_of(tensor);
  std::vector<std::string>& grid = scope_cache(scope, "log8 grid");
  if (grid.empty()) {
    grid.push_back(editor_.unique_name("vetquant_log8_grid"));
    const auto values = log8_grid();
    onnx::TensorProto& proto =
        editor_.add_tensor(scope, grid[0], DType::kFloat32, {static_cast<int64_t>(values.size())});
    proto.set_raw_data(values.data(), values.size_bytes());
  }
  return writer.op("Gather", {grid[0], writer.cast(stored, DType::kInt32)});
}

const std::string& EmitContext::store_halves(const PlannedTensor& tensor) {
  std::string& name = halves_[tensor.id];
  if (!name.empty()) return name;
  DeclaredTensor declared;
  declared.kind = tensor.stored_type == DType::kBfloat16 ? RecipeKind::kBfloat16s : RecipeKind::kHalves;
  declared.dtype = tensor.stored_type;
  declared.shape = tensor.view.shape();
  declared.source = tensor.view;
  declared.proven_equal = tensor.proven_equal;
  return name = declare(tensor, declared.dtype == DType::kBfloat16 ? "_bf16" : "_fp16", std::move(declared));
}

const std::string& EmitContext::transposed_value(const PlannedTensor& tensor, const std::string& plain) {
  std::string& name = transposed_[tensor.id];
  if (name.empty()) {
    std::vector<int64_t> perm(tensor.view.shape().size());
    std::iota(perm.begin(), perm.end(), 0);
    if (perm.size() < 2) throw Error(ErrorCode::kInternal, "the plan transposes a tensor of rank below 2", tensor.name);
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    name = at_start(tensor).transpose(plain, perm);
  }
  return name;
}

void EmitContext::need_opset(NodeId node, int64_t least, const std::string& what) const {
  if (opset(node) >= least) return;
  refuse(node, what + " needs opset " + std::to_string(least) + ", the model has " + std::to_string(opset(node)) +
                   "; fp16 storage and fold_at_load work from opset 7, matmul_nbits, gather_block and dynamic_lstm too "
                   "where the target has com.microsoft operators");
}

void EmitContext::need_contrib(NodeId node, Form form) {
  if (!target_.contrib_ops) {
    refuse(node, "form " + std::string(name_of(form)) + " needs com.microsoft operators, which target " + target_.name +
                     " does not have; use form fold_at_load or gather_rows");
  }
  editor_.import_domain(index_.node(node).scope, kContribDomain, 1);
}

void EmitContext::refuse(NodeId node, const std::string& why) const {
  throw Error(ErrorCode::kUnsupported, why, index_.node(node).address);
}

Emitted EmitContext::finish() {
  emitted_.skeleton = editor_.finish(emitted_.log);
  return std::move(emitted_);
}

}  // namespace vetquant
