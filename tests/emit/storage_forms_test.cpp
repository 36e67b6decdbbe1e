// fold_at_load, half storage and DequantizeLinear in every place: exact results, and nothing left of the chain that the
// runtime was to fold.
#include <gtest/gtest.h>

#include "places.h"
#include "vetquant/core/error.h"

namespace vetquant::test {
namespace {

NamedTensor floats(const Dims& dims, uint64_t seed) {
  size_t count = 1;
  for (int64_t dim : dims) count *= static_cast<size_t>(dim);
  return {"x", make_floats(dims, random_floats(count, seed))};
}

Case matmul_case(int64_t opset = 17) {
  Case c;
  c.input = floats({3, 64}, 1);
  c.weights = {{"w", {64, 24}, random_floats(64 * 24, 2)}};
  c.nodes = {{"MatMul", {"x", "w"}, {"y"}, "target", {}}};
  c.output_dims = {3, 24};
  c.opset = opset;
  return c;
}

WeightPlan folded(DType type, const ScaleLayout& layout, Symmetry symmetry = Symmetry::kSymmetric) {
  WeightPlan plan;
  plan.weight = "w";
  plan.spec = {.code_type = type, .symmetry = symmetry};
  plan.layout = layout;
  plan.uses = {{.node = "target"}};
  return plan;
}

const ScaleLayout kPerColumn{.channel_axes = {1}}, kBlocksOf16{.channel_axes = {1}, .block_axis = 0, .block_size = 16};

// Exact, and the runtime folded all of it.
void expect_folds(const Case& c, const WeightPlan& plan, Where where) {
  SCOPED_TRACE(name_of(where) + ", opset " + std::to_string(c.opset) + ", " +
               std::string(name_of(plan.spec.code_type)));
  const Rewritten rewritten = rewrite(build(c, where), {plan});
  EXPECT_LT(error_of(with_dequantized(c, {plan}), c, where, rewritten), 1e-5);
  EXPECT_GT(error_of(c, c, where, rewritten), 1e-5) << "nothing was rounded";
  const auto made = optimized(rewritten.path);
  for (const char* op : {"Cast", "Mul", "Sub", "Floor", "Concat", "Reshape", "Slice"})
    EXPECT_EQ(made.count(op), 0u) << op;
}

TEST(FoldAtLoad, Int8PerChannelIsExactInEveryPlace) {
  for (Where where : all_places()) {
    for (int64_t opset : {11, 17}) expect_folds(matmul_case(opset), folded(DType::kInt8, kPerColumn), where);
  }
}

TEST(FoldAtLoad, FourBitsByBlockAreExactInEveryPlace) {
  for (Where where : all_places()) expect_folds(matmul_case(), folded(DType::kInt4, kBlocksOf16), where);
}

TEST(FoldAtLoad, AsymmetricCodesOfBothWidthsAndAllGranularities) {
  for (DType type : {DType::kUint8, DType::kInt8, DType::kUint4, DType::kInt4}) {
    for (const ScaleLayout& layout : {ScaleLayout{}, kPerColumn, kBlocksOf16}) {
      for (Symmetry symmetry : {Symmetry::kSymmetric, Symmetry::kAsymmetric})
        expect_folds(matmul_case(), folded(type, layout, symmetry), Where::kIfOuter);
    }
  }
}

TEST(FoldAtLoad, FloatZeroPointsAndNarrowScales) {
  for (DType type : {DType::kUint8, DType::kUint4}) {
    for (ScaleType scale : {ScaleType::kFloat16, ScaleType::kLog8}) {
      WeightPlan plan = folded(type, kBlocksOf16, Symmetry::kAsymmetric);
      plan.spec.zero_point = ZeroPointKind::kFloat;
      plan.spec.scale_type = scale;
      expect_folds(matmul_case(), plan, Where::kTop);
    }
  }
}

TEST(FoldAtLoad, OldOpsetsWhereInitializersAreInputs) {
  for (int64_t opset : {7, 8, 9, 10}) {
    for (Where where : {Where::kTop, Where::kIfOuter, Where::kIfInner}) {
      expect_folds(matmul_case(opset), folded(DType::kInt8, kPerColumn), where);
      expect_folds(matmul_case(opset), folded(DType::kUint4, kBlocksOf16, Symmetry::kAsymmetric), where);
    }
  }
  const Case old = matmul_case(8);
  const Rewritten rewritten = rewrite(build(old, Where::kTop), {folded(DType::kInt8, kPerColumn)});
  const auto& graph = rewritten.emitted.skeleton->graph();
  EXPECT_EQ(rewritten.emitted.skeleton->ir_version(), 3);
  ASSERT_EQ(graph.input_size(), 1 + graph.initializer_size());  // IR 3: every initializer is an input
  for (const auto& input : graph.input()) EXPECT_NE(input.name(), "w");
}

TEST(FoldAtLoad, OddNumbersOf4BitCodes) {
  for (int64_t opset : {9, 17}) {
    Case c;
    c.input = floats({2, 7}, 5);
    c.weights = {{"w", {7, 5}, random_floats(35, 6)}};
    c.nodes = {{"MatMul", {"x", "w"}, {"y"}, "target", {}}};
    c.output_dims = {2, 5};
    c.opset = opset;
    expect_folds(c, folded(DType::kInt4, kPerColumn), Where::kTop);
    expect_folds(c, folded(DType::kUint4, kPerColumn, Symmetry::kAsymmetric), Where::kTop);
  }
}

TEST(FoldAtLoad, ConvolutionsKeepTheirChannels) {
  Case c;
  c.input = floats({1, 8, 20}, 7);
  c.weights = {{"w", {16, 8, 3}, random_floats(16 * 8 * 3, 8)}};
  c.nodes = {{"Conv", {"x", "w"}, {"y"}, "target", [](onnx::NodeProto& node) { set_ints(node, "kernel_shape", {3}); }}};
  c.output_dims = {1, 16, 18};
  expect_folds(c, folded(DType::kInt8, {.channel_axes = {0}}), Where::kIfOuter);
  expect_folds(c, folded(DType::kInt4, {.channel_axes = {0}, .block_axis = 1, .block_size = 4}), Where::kTop);
}

TEST(FoldAtLoad, AWeightOfBothBranchesIsMadeOnceOutside) {
  TestModel model;
  model.main().input("x", kFloat, {3, 64}).input("cond", onnx::TensorProto::BOOL, {}).output("y", kFloat, {3, 24});
  model.main().floats("w", {64, 24}, random_floats(64 * 24, 2));
  auto& decide = model.main().node("If", {"cond"}, {"y"}, "decide");
  subgraph(decide, "then_branch").output("t", kFloat, {3, 24}).node("MatMul", {"x", "w"}, {"t"}, "a");
  subgraph(decide, "else_branch").output("e", kFloat, {3, 24}).node("MatMul", {"x", "w"}, {"e"}, "b");
  WeightPlan plan = folded(DType::kInt8, kPerColumn);
  plan.uses = {{.node = "a"}, {.node = "b"}};
  const Rewritten rewritten = rewrite(model, {plan});
  EXPECT_EQ(rewritten.emitted.declared.size(), 2u);
  const auto& graph = rewritten.emitted.skeleton->graph();
  ASSERT_EQ(graph.node_size(), 3);
  EXPECT_EQ(graph.node(0).op_type(), "Cast");
  EXPECT_EQ(graph.node(1).op_type(), "Mul");
  for (const auto& branch : graph.node(2).attribute()) EXPECT_EQ(branch.g().node(0).input(1), graph.node(1).output(0));
}

TEST(FoldAtLoad, ATransposedUseGetsOneTransposeOfTheSameCodes) {
  Case c;
  c.input = {"ids", make_int64s({2}, {1, 30})};
  c.weights = {{"w", {40, 16}, random_floats(640, 3)}};
  c.nodes = {{"Gather", {"w", "ids"}, {"rows"}, "look", {}},
             {"Transpose", {"w"}, {"wt"}, "swap", {}},
             {"MatMul", {"rows", "wt"}, {"y"}, "head", {}}};
  c.output_dims = {2, 40};
  WeightPlan plan = folded(DType::kInt8, {.channel_axes = {0}});
  plan.uses = {{.node = "look", .input = 0}, {.node = "head", .input = 1, .transposed = true}};
  const Rewritten rewritten = rewrite(build(c, Where::kTop), {plan});
  EXPECT_LT(error_of(with_dequantized(c, {plan}), c, Where::kTop, rewritten), 1e-5);
  EXPECT_EQ(written(rewritten.path).at("Transpose"), 1u);  // the old one went
  EXPECT_EQ(rewritten.emitted.jobs.size(), 1u);
}

TEST(FoldAtLoad, ABlockThatDoesNotDivideIsRefused) {
  const WeightPlan plan = folded(DType::kInt8, {.channel_axes = {1}, .block_axis = 0, .block_size = 48});
  try {
    rewrite(build(matmul_case(), Where::kTop), {plan});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "w: block 48 does not divide 64, which this form needs; use another block, or granularity channel");
  }
}

TEST(FoldAtLoad, AFunctionBelowOpset9HoldsNoCodes) {
  try {
    rewrite(build(matmul_case(8), Where::kFunction), {folded(DType::kInt8, kPerColumn)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(
        error.what(),
        "local::F: a Constant in this local function cannot hold int8 at opset 8; use weights: fp16 here, or keep");
  }
}

TEST(HalfStorage, IsExactAndFoldedInEveryPlace) {
  WeightPlan plan = folded(DType::kInt8, {});
  plan.form = Form::kHalfStorage;
  plan.stored_type = DType::kFloat16;
  for (Where where : all_places()) {
    for (int64_t opset : {8, 17}) expect_folds(matmul_case(opset), plan, where);
  }
  plan.stored_type = DType::kBfloat16;
  expect_folds(matmul_case(13), plan, Where::kIfOuter);
}

TEST(HalfStorage, Bfloat16NeedsOpset13) {
  WeightPlan plan = folded(DType::kInt8, {});
  plan.form = Form::kHalfStorage;
  plan.stored_type = DType::kBfloat16;
  try {
    rewrite(build(matmul_case(11), Where::kTop), {plan});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_TRUE(std::string(error.what()).starts_with("/target: Cast from bf16 needs opset 13, the model has 11; "))
        << error.what();
  }
}

Case gemm_case(int64_t opset) {  // transB: the runtime leaves its DequantizeLinear alone
  Case c = matmul_case(opset);
  c.weights = {{"w", {24, 64}, random_floats(64 * 24, 2)}, {"b", {24}, random_floats(24, 3)}};
  c.nodes = {{"Gemm", {"x", "w", "b"}, {"y"}, "target", [](onnx::NodeProto& node) { set_int(node, "transB", 1); }}};
  return c;
}

WeightPlan dequantize(DType type, const ScaleLayout& layout, Symmetry symmetry = Symmetry::kSymmetric) {
  WeightPlan plan = folded(type, layout, symmetry);
  plan.form = Form::kDequantize;
  return plan;
}

TEST(Dequantize, IsExactInEveryPlaceWithTheOperatorOfItsOpset) {
  const ScaleLayout per_row{.channel_axes = {0}}, blocks{.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  struct Row {
    int64_t opset;
    DType type;
    ScaleLayout layout;
    const char* op;
  };
  const Row rows[] = {
      {10, DType::kInt8, {}, "DequantizeLinear"},       {11, DType::kInt8, per_row, "com.microsoft:DequantizeLinear"},
      {13, DType::kUint8, per_row, "DequantizeLinear"}, {17, DType::kInt4, per_row, "com.microsoft:DequantizeLinear"},
      {21, DType::kInt4, blocks, "DequantizeLinear"},   {21, DType::kUint4, per_row, "DequantizeLinear"},
  };
  for (const Row& row : rows) {
    for (Where where : all_places()) {
      if (where == Where::kFunction && row.opset < 21 && bits_of(row.type) == 4) continue;  // refused: see below
      SCOPED_TRACE(name_of(where) + ", opset " + std::to_string(row.opset));
      for (Symmetry symmetry : {Symmetry::kSymmetric, Symmetry::kAsymmetric}) {
        const Case c = gemm_case(row.opset);
        const WeightPlan plan = dequantize(row.type, row.layout, symmetry);
        const Rewritten rewritten = rewrite(build(c, where), {plan});
        EXPECT_EQ(written(rewritten.path).count(row.op), 1u);
        EXPECT_LT(error_of(with_dequantized(c, {plan}), c, where, rewritten), 1e-5);
      }
    }
  }
}

TEST(Dequantize, FourBitTypesRaiseTheIrVersion) {
  const Rewritten rewritten =
      rewrite(build(gemm_case(17), Where::kTop), {dequantize(DType::kInt4, {.channel_axes = {0}})});
  EXPECT_EQ(rewritten.emitted.skeleton->ir_version(), 10);
  EXPECT_EQ(rewritten.emitted.log.steps.front().substr(0, 7), "removed");
  EXPECT_EQ(rewritten.emitted.log.steps.back(), "IR version 8 -> 10 (4-bit types)");
}

TEST(Dequantize, BlocksBelowOpset21AndOtherRuntimesAreRefused) {
  const ScaleLayout blocks{.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  try {
    rewrite(build(gemm_case(17), Where::kTop), {dequantize(DType::kInt8, blocks)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_TRUE(
        std::string(error.what()).starts_with("/target: DequantizeLinear by block needs opset 21, the model has 17; "))
        << error.what();
  }
  try {
    rewrite(build(gemm_case(11), Where::kTop), {dequantize(DType::kInt8, {.channel_axes = {0}})}, Contrib::kNo);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "/target: form dequantize needs com.microsoft operators, which target test does not have; use form "
                 "fold_at_load or gather_rows");
  }
}

}  // namespace
}  // namespace vetquant::test
