// MatMul and Gemm: dynamic int8 and MatMulNBits, in every place, against the float model with quantized weights (and
// rounded activations), and what the runtime fused.
#include <gtest/gtest.h>

#include "places.h"
#include "vetquant/core/error.h"

namespace vetquant::test {
namespace {

constexpr int64_t kDepth = 64, kColumns = 24;

Case product_case(const Dims& x_dims, int64_t opset = 17, int64_t depth = kDepth) {
  Case c;
  size_t count = 1;
  for (int64_t dim : x_dims) count *= static_cast<size_t>(dim);
  c.input = {"x", make_floats(x_dims, random_floats(count, 11))};
  c.weights = {{"w", {depth, kColumns}, random_floats(static_cast<size_t>(depth * kColumns), 12)}};
  c.nodes = {{"MatMul", {"x", "w"}, {"y"}, "target", {}}};
  c.output_dims = x_dims;
  c.output_dims.back() = kColumns;
  c.opset = opset;
  return c;
}

struct GemmWish {
  bool trans_a = false, trans_b = false;
  float alpha = 1, beta = 1;
  Dims bias;
};

Case gemm_case(const GemmWish& wish) {
  Case c = product_case(wish.trans_a ? Dims{kDepth, 3} : Dims{3, kDepth});
  if (wish.trans_b) c.weights[0].dims = {kColumns, kDepth};
  Names inputs{"x", "w"};
  if (!wish.bias.empty()) {
    size_t count = 1;
    for (int64_t dim : wish.bias) count *= static_cast<size_t>(dim);
    c.weights.push_back({"b", wish.bias, random_floats(count, 13)});
    inputs.push_back("b");
  }
  c.nodes = {{"Gemm", inputs, {"y"}, "target", [wish](onnx::NodeProto& node) {
                set_int(node, "transA", wish.trans_a ? 1 : 0);
                set_int(node, "transB", wish.trans_b ? 1 : 0);
                set_float(node, "alpha", wish.alpha);
                set_float(node, "beta", wish.beta);
              }}};
  c.output_dims = {3, kColumns};
  return c;
}

WeightPlan dynamic(const QuantSpec& spec = {.range = exact_range()},
                   const ScaleLayout& layout = {.channel_axes = {1}}) {
  WeightPlan plan;
  plan.weight = "w";
  plan.form = Form::kDynamicInteger;
  plan.spec = spec;
  plan.layout = layout;
  plan.uses = {{.node = "target"}};
  return plan;
}

WeightPlan nbits(const QuantSpec& spec, int64_t block, bool transposed = true, int level = 0) {
  WeightPlan plan;
  plan.weight = "w";
  plan.form = Form::kMatMulNBits;
  plan.spec = spec;
  plan.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = block};
  plan.swapped = transposed;
  plan.uses = {{.node = "target", .input = 1, .transposed = transposed}};
  plan.accuracy_level = level;
  return plan;
}

void expect_equal(const Case& c, const WeightPlan& plan, Where where, double limit = 1e-5) {
  SCOPED_TRACE(name_of(where) + ", opset " + std::to_string(c.opset));
  const Rewritten rewritten = rewrite(build(c, where), {plan});
  Case reference = with_dequantized(c, {plan});
  if (plan.form == Form::kDynamicInteger) reference.input = with_rounded_activation(c.input);
  EXPECT_LT(error_of(reference, c, where, rewritten), limit);
  EXPECT_GT(error_of(c, c, where, rewritten), 1e-4) << "nothing was rounded";
}

TEST(DynamicInteger, IsExactToTheFormulaAndFusedInEveryPlace) {
  for (Where where : all_places()) {
    for (int64_t opset : {8, 11, 13, 17}) {
      if (where == Where::kFunction && opset == 8) continue;
      const Case c = product_case({2, 5, kDepth}, opset);
      expect_equal(c, dynamic(), where);
      const auto made = optimized(rewrite(build(c, where), {dynamic()}).path);
      EXPECT_EQ(made.count("com.microsoft:DynamicQuantizeMatMul"), 1u) << name_of(where) << opset;
      EXPECT_EQ(made.count("MatMul") + made.count("MatMulInteger") + made.count("Mul") + made.count("Cast"), 0u);
    }
  }
}

TEST(DynamicInteger, ProductsOfOneActivationShareItsRounding) {
  Case c = product_case({3, kDepth});
  c.weights.push_back({"v", {kDepth, kColumns}, random_floats(kDepth * kColumns, 19)});
  c.nodes = {{"MatMul", {"x", "w"}, {"a"}, "target", {}},
             {"MatMul", {"x", "v"}, {"b"}, "second", {}},
             {"Add", {"a", "b"}, {"y"}, "sum", {}}};
  WeightPlan second = dynamic();
  second.weight = "v";
  second.uses = {{.node = "second"}};
  for (Where where : {Where::kTop, Where::kIfOuter, Where::kFunction}) {
    const Rewritten rewritten = rewrite(build(c, where), {dynamic(), second});
    EXPECT_EQ(written(rewritten.path).at("DynamicQuantizeLinear"), 1u);
    EXPECT_EQ(optimized(rewritten.path).at("com.microsoft:MatMulIntegerToFloat"), 2u);
    Case reference = with_dequantized(c, {dynamic(), second});
    reference.input = with_rounded_activation(c.input);
    EXPECT_LT(error_of(reference, c, where, rewritten), 1e-5);
  }
}

TEST(DynamicInteger, TypesZeroPointsAndGranularities) {
  const QuantSpec specs[] = {
      {.code_type = DType::kInt8, .range = CodeRange::k7Bit},
      {.code_type = DType::kInt8, .symmetry = Symmetry::kAsymmetric, .range = exact_range()},
      {.code_type = DType::kUint8},
      {.code_type = DType::kUint8, .symmetry = Symmetry::kAsymmetric, .scale_type = ScaleType::kFloat16},
      {.code_type = DType::kInt8, .range = exact_range(), .scale_type = ScaleType::kLog8}};
  for (const QuantSpec& spec : specs) {
    expect_equal(product_case({3, kDepth}), dynamic(spec), Where::kTop);
    expect_equal(product_case({3, kDepth}), dynamic(spec, {}), Where::kIfOuter);
    expect_equal(product_case({3, kDepth}, 9), dynamic(spec), Where::kTop);
  }
}

TEST(DynamicInteger, GemmWithAllItsAttributes) {
  const GemmWish wishes[] = {{},
                             {.bias = {kColumns}},
                             {.trans_b = true, .bias = {kColumns}},
                             {.alpha = 0.5f, .beta = 2, .bias = {1, kColumns}},
                             {.trans_a = true, .trans_b = true, .beta = 0, .bias = {3, 1}}};
  for (const GemmWish& wish : wishes) {
    WeightPlan plan = dynamic();
    plan.swapped = plan.uses[0].transposed = wish.trans_b;
    expect_equal(gemm_case(wish), plan, Where::kTop);
    expect_equal(gemm_case(wish), plan, Where::kIfInner);
  }
}

TEST(DynamicInteger, ABiasIsFusedToo) {
  WeightPlan plan = dynamic();
  const auto made = optimized(rewrite(build(gemm_case({.bias = {kColumns}}), Where::kTop), {plan}).path);
  EXPECT_EQ(made.count("com.microsoft:DynamicQuantizeMatMul"), 1u);
  EXPECT_EQ(made.count("Add"), 0u);
}

TEST(DynamicInteger, AConstantOnTheLeftIsRefused) {
  Case c = product_case({kColumns, 5});
  c.nodes = {{"MatMul", {"w", "x"}, {"y"}, "target", {}}};
  c.output_dims = {kDepth, 5};
  WeightPlan plan = dynamic();
  plan.uses = {{.node = "target", .input = 0}};
  try {
    rewrite(build(c, Where::kTop), {plan});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(
        error.what(),
        "/target: form dynamic_integer needs the constant as the second factor of MatMul; use form fold_at_load");
  }
}

TEST(MatMulNBits, IsExactAtLevel0InEveryPlace) {
  for (Where where : all_places()) {
    for (int64_t opset : {8, 17}) {
      if (where == Where::kFunction && opset == 8) continue;
      expect_equal(product_case({2, 3, kDepth}, opset), nbits({.code_type = DType::kInt4}, 32), where);
      expect_equal(product_case({2, 3, kDepth}, opset), nbits({.code_type = DType::kInt8}, 16), where);
    }
  }
}

TEST(MatMulNBits, ZeroPointsScalesAndRaggedRows) {
  const QuantSpec specs[] = {
      {.code_type = DType::kInt4},
      {.code_type = DType::kUint4},
      {.code_type = DType::kUint4, .symmetry = Symmetry::kAsymmetric},
      {.code_type = DType::kUint4, .symmetry = Symmetry::kAsymmetric, .zero_point = ZeroPointKind::kFloat},
      {.code_type = DType::kInt4, .symmetry = Symmetry::kAsymmetric},
      {.code_type = DType::kInt8},
      {.code_type = DType::kUint8},
      {.code_type = DType::kUint8, .symmetry = Symmetry::kAsymmetric},
      {.code_type = DType::kUint8, .range = CodeRange::k7Bit}};
  for (QuantSpec spec : specs) {
    for (ScaleType scale : {ScaleType::kFloat32, ScaleType::kFloat16, ScaleType::kLog8}) {
      spec.scale_type = scale;
      for (int64_t depth : {64, 75, 96}) {
        SCOPED_TRACE(std::string(name_of(spec.code_type)) + " depth " + std::to_string(depth));
        expect_equal(product_case({3, depth}, 17, depth), nbits(spec, 32), Where::kIfOuter);
      }
    }
  }
}

TEST(MatMulNBits, LogScalesFoldEverywhere) {
  for (Where where : all_places()) {
    expect_equal(product_case({3, 75}, 17, 75), nbits({.code_type = DType::kInt4, .scale_type = ScaleType::kLog8}, 32),
                 where);
  }
}

TEST(MatMulNBits, Level4RoundsActivations) {
  const Case c = product_case({3, 256}, 17, 256);
  const WeightPlan exact = nbits({.code_type = DType::kInt8}, 128),
                   level4 = nbits({.code_type = DType::kInt8}, 128, true, 4);
  const Rewritten rewritten = rewrite(build(c, Where::kTop), {level4});
  const double error = error_of(with_dequantized(c, {exact}), c, Where::kTop, rewritten);
  EXPECT_GT(error, 1e-5);
  EXPECT_LT(error, 2e-2);
}

TEST(MatMulNBits, GemmWithAllItsAttributes) {
  const GemmWish wishes[] = {{},
                             {.bias = {kColumns}},
                             {.trans_b = true, .bias = {kColumns}},
                             {.alpha = 0.5f, .beta = 2, .bias = {kColumns}},
                             {.trans_a = true, .trans_b = true, .bias = {3, 1}}};
  for (const GemmWish& wish : wishes) {
    const WeightPlan plan = nbits({.code_type = DType::kUint4, .symmetry = Symmetry::kAsymmetric}, 16, !wish.trans_b);
    expect_equal(gemm_case(wish), plan, Where::kTop);
    expect_equal(gemm_case(wish), plan, Where::kFunction);
  }
  const auto made = written(
      rewrite(build(gemm_case({.bias = {kColumns}}), Where::kTop), {nbits({.code_type = DType::kInt4}, 16)}).path);
  EXPECT_EQ(made.count("Add"), 0u);  // the bias is an input of MatMulNBits
}

TEST(MatMulNBits, BlocksOfOtherSizesAndOtherRuntimesAreRefused) {
  const Case c = product_case({3, kDepth});
  try {
    rewrite(build(c, Where::kTop), {nbits({.code_type = DType::kInt4}, 24)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "/target: com.microsoft operators take blocks of 16, 32, 64, 128, ... (a power of two), not 24");
  }
  EXPECT_THROW(rewrite(build(c, Where::kTop), {nbits({.code_type = DType::kInt4}, 16)}, Contrib::kNo), Error);
  try {
    rewrite(build(c, Where::kTop),
            {nbits({.code_type = DType::kUint8, .symmetry = Symmetry::kAsymmetric, .zero_point = ZeroPointKind::kFloat},
                   16)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "/target: float zero points need weights: uint4 here; use zero_point: integer");
  }
}

}  // namespace
}  // namespace vetquant::test
