#include "plan_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vetquant::test {
namespace {

FormPreference row(std::vector<std::string> ops, std::vector<DType> types, std::vector<Activations> activations,
                   FormChoice form, int line) {
  FormPreference preference;
  preference.ops = std::move(ops);
  preference.weights = std::move(types);
  preference.activations = std::move(activations);
  preference.use.form = form;
  preference.reason = "reason " + std::to_string(line);
  preference.position = {.file = "t.yaml", .line = line, .column = 1};
  return preference;
}

FormSupport support(FormChoice form, std::vector<std::string> ops) {
  FormSupport result;
  result.form = form;
  result.ops = std::move(ops);
  return result;
}

void add_products(TargetProfile& target) {
  const std::vector<std::string> products = {"MatMul", "Gemm"};
  const std::vector<DType> bytes = {DType::kInt8, DType::kUint8}, nibbles = {DType::kInt4, DType::kUint4};
  FormPreference many = row(products, bytes, {Activations::kAuto}, FormChoice::kDynamicInteger, 1);
  many.min_rows = 64;
  many.rows_unknown = false;
  FormPreference few = row(products, bytes, {Activations::kAuto}, FormChoice::kMatMulNBits, 2);
  few.use.block = 128;
  few.use.accuracy_level = 4;
  few.use.scales = ScaleType::kFloat16;
  FormPreference small =
      row(products, nibbles, {Activations::kAuto, Activations::kDynamic}, FormChoice::kMatMulNBits, 5);
  small.use.block = 32;
  small.use.accuracy_level = 4;
  target.preferences = {many, few, row(products, bytes, {Activations::kDynamic}, FormChoice::kDynamicInteger, 3),
                        row(products, bytes, {Activations::kNone}, FormChoice::kFoldAtLoad, 4), small};
}

const std::string kHead = R"(version: 1
name: chip
title: A chip
status: untested
runtime: {name: onnxruntime, version: "1.32"}
max_opset: 21
max_ir_version: 10
contrib_ops: true
forms: [{form: qdq, min_runtime: "1.20", source: a document}]
preferences: [{use: keep, reason: nothing is known, source: a document}]
)";

}  // namespace

TargetProfile chip(const std::string& operators, const std::string& accelerator) {
  return parse_target(
      kHead + "accelerator: {name: Chip, " + accelerator + ", source: its manual}\noperators:\n" + operators,
      "chip.yaml");
}

TargetProfile test_target() {
  TargetProfile target;
  target.name = "test-target";
  target.contrib_ops = true;
  target.fp16_ops = {"MatMul", "Add", "Softmax"};
  target.forms = {support(FormChoice::kMatMulNBits, {"MatMul", "Gemm"}),
                  support(FormChoice::kDynamicInteger, {"MatMul", "Gemm"}),
                  support(FormChoice::kGatherBlock, {"Gather"}),
                  support(FormChoice::kGatherRows, {"Gather"}),
                  support(FormChoice::kDynamicLstm, {"LSTM"}),
                  support(FormChoice::kFoldAtLoad, {}),
                  support(FormChoice::kDequantize, {})};
  add_products(target);
  FormPreference table = row({"Gather"}, {DType::kInt8, DType::kUint8}, {}, FormChoice::kGatherBlock, 6);
  table.use.block = 128;
  table.use.scales = ScaleType::kFloat16;
  target.preferences.push_back(table);
  FormPreference small_table = row({"Gather"}, {DType::kInt4}, {}, FormChoice::kGatherBlock, 7);
  small_table.use.block = 32;
  target.preferences.push_back(small_table);
  target.preferences.push_back(
      row({"LSTM"}, {DType::kInt8}, {Activations::kAuto, Activations::kDynamic}, FormChoice::kDynamicLstm, 8));
  target.preferences.push_back(row({"*"}, {}, {}, FormChoice::kFoldAtLoad, 9));
  return target;
}

Use weights(DType type) {
  Use use;
  use.weights = type;
  return use;
}

Policy test_policy(DType type) {
  Policy policy;
  policy.name = "p";
  policy.defaults = weights(type);
  policy.defaults_position = {.file = "p.yaml", .line = 3, .column = 1};
  return policy;
}

Rule rule(const std::string& name, const Match& match, const Use& use) {
  Rule result;
  result.name = name;
  result.match = match;
  result.use = use;
  result.position = {.file = "p.yaml", .line = 10, .column = 5};
  return result;
}

Planned::Planned(const TestModel& model) {
  model_ = Model::load(folder_.write("model.onnx", model));
  index_ = std::make_unique<GraphIndex>(model_->skeleton());
  constants_ = std::make_unique<ConstantFinder>(*model_, *index_);
}

Plan Planned::plan(const Policy& policy, const TargetProfile& target, const PlanOptions& options) const {
  return make_plan(*model_, *index_, *constants_, policy, target, options);
}

const PlannedTensor* tensor_named(const Plan& plan, const std::string& name) {
  const auto found =
      std::find_if(plan.tensors.begin(), plan.tensors.end(), [&](const auto& tensor) { return tensor.name == name; });
  return found == plan.tensors.end() ? nullptr : &*found;
}

const PlannedNode* node_named(const Plan& plan, const GraphIndex& index, const std::string& address) {
  const NodeId id = index.find_node(address);
  const auto found =
      std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const auto& node) { return node.node == id; });
  return found == plan.nodes.end() ? nullptr : &*found;
}

const KeptWeight* kept_named(const Plan& plan, const std::string& name) {
  const auto found =
      std::find_if(plan.kept.begin(), plan.kept.end(), [&](const auto& kept) { return kept.name == name; });
  return found == plan.kept.end() ? nullptr : &*found;
}

bool mentions(const std::vector<std::string>& texts, const std::string& part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const auto& text) { return text.find(part) != std::string::npos; });
}

TestModel product_model(int64_t rows, int64_t opset) {
  TestModel model(opset);
  model.main()
      .input("x", kFloat, {rows, 64})
      .output("y", kFloat, {rows, 96})
      .floats("w", {64, 96}, random_floats(64 * 96, 1));
  model.main().node("MatMul", {"x", "w"}, {"y"}, "fc");
  return model;
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorCode::kInternal, "no error");
}

}  // namespace vetquant::test
