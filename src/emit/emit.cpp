#include "vetquant/emit/emit.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "forms.h"
#include "reshape_targets.h"
#include "tidy.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

using MakeValue = std::string (*)(EmitContext&, const PlannedTensor&);
using EmitNode = void (*)(EmitContext&, const PlannedNode&);

struct FormRow {
  Form form;
  MakeValue make_value;  // storage forms, by tensor
  EmitNode emit_node;    // the others, by node
};

constexpr FormRow kForms[] = {
    {Form::kDequantize, dequantize_value, nullptr},
    {Form::kFoldAtLoad, fold_at_load_value, nullptr},
    {Form::kQdq, dequantize_value, nullptr},  // its weights; activations: emit_activations
    {Form::kHalfStorage, half_storage_value, nullptr},
    {Form::kHalfCompute, half_storage_value, nullptr},  // as seen by nodes that compute in float; the others: see below
    {Form::kDynamicInteger, nullptr, emit_dynamic_integer},
    {Form::kMatMulNBits, nullptr, emit_matmul_nbits},
    {Form::kGatherBlock, nullptr, emit_gather_block},
    {Form::kGatherRows, nullptr, emit_gather_rows},
    {Form::kDynamicLstm, nullptr, emit_dynamic_lstm},
};

const FormRow* find_row(Form form) {
  const auto* found =
      std::find_if(std::begin(kForms), std::end(kForms), [form](const FormRow& row) { return row.form == form; });
  return found == std::end(kForms) ? nullptr : found;
}

bool is_half(const PlannedTensor& tensor) {
  return tensor.form == Form::kHalfCompute || tensor.form == Form::kHalfStorage;
}

// A weight in a storage form takes the place of the float value, whatever becomes of the node.
void emit_stored_weights(EmitContext& context, const PlannedNode& node) {
  for (int id : node.tensors) {
    const PlannedTensor& tensor = context.tensor(id);
    const FormRow* row = find_row(tensor.form);
    if (row == nullptr || row->make_value == nullptr || (node.form == Form::kHalfCompute && is_half(tensor))) continue;
    for (const auto& use : tensor.uses) {
      if (use.node != node.node) continue;
      const std::string& value =
          context.shared_value(tensor, use.transposed, [&] { return row->make_value(context, tensor); });
      context.editor().set_input(use.node, use.input, value);
    }
  }
}

void check_opset(const EmitContext& context, const PlannedNode& node) {
  context.need_opset(node.node, 7, "arithmetic that broadcasts");
}

void add_metadata(onnx::ModelProto& model, const std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto* entry = nullptr;
    for (auto& present : *model.mutable_metadata_props()) {
      if (present.key() == key) entry = &present;
    }
    if (entry == nullptr) entry = model.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
}

// 4-bit types belong to IR version 10.
void raise_ir_version(Emitted& emitted) {
  constexpr int64_t kIrOf4BitTypes = 10;
  const bool needed = std::any_of(emitted.declared.begin(), emitted.declared.end(),
                                  [](const auto& tensor) { return bits_of(tensor.dtype) == 4; });
  const int64_t version = emitted.skeleton->ir_version();
  if (!needed || version >= kIrOf4BitTypes || version < 4) return;  // below 4 the meaning of graph inputs would change
  emitted.skeleton->set_ir_version(kIrOf4BitTypes);
  emitted.log.steps.push_back("IR version " + std::to_string(version) + " -> 10 (4-bit types)");
}

}  // namespace

Emitted emit(const Model& model, const GraphIndex& index, const ConstantFinder& constants, const Plan& plan,
             const TargetProfile& target, const std::map<std::string, std::string>& metadata) {
  EmitContext context(model, index, plan, target);
  const bool changes = !plan.changes_nothing();
  if (changes && plan.clean_up.reshape_targets) fix_reshape_targets(context, constants);
  std::vector<const PlannedNode*> nodes;
  for (const PlannedNode& node : plan.nodes) nodes.push_back(&node);
  std::sort(nodes.begin(), nodes.end(), [](const auto* a, const auto* b) { return a->node < b->node; });
  for (const PlannedNode* node : nodes) {
    check_opset(context, *node);
    emit_stored_weights(context, *node);
    const FormRow* row = find_row(node->form);
    if (row != nullptr && row->emit_node != nullptr) row->emit_node(context, *node);
  }
  emit_activations(context);
  emit_half_compute(context);
  Emitted emitted = context.finish();
  if (changes && plan.clean_up.identities) remove_identities(*emitted.skeleton, emitted.log);
  if (changes && plan.clean_up.constants) turn_constants_to_initializers(*emitted.skeleton, emitted.log);
  emitted.log.steps.insert(emitted.log.steps.begin(), plan.steps.begin(), plan.steps.end());
  raise_ir_version(emitted);
  add_metadata(*emitted.skeleton, metadata);
  try {
    const GraphIndex check(*emitted.skeleton);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInternal, "the rewritten graph is not valid: " + error.message(), error.where());
  }
  return emitted;
}

}  // namespace vetquant
