// Tables: looked up by block or by row, alone or shared with the head that is the same tensor.
#include <gtest/gtest.h>

#include "places.h"
#include "vetquant/core/error.h"

namespace vetquant::test {
namespace {

constexpr int64_t kRows = 40;

Case table_case(int64_t width, int64_t opset = 17, const Dims& ids_dims = {2, 3}) {
  Case c;
  size_t count = 1;
  for (int64_t dim : ids_dims) count *= static_cast<size_t>(dim);
  const std::vector<int64_t> ids{0, 39, 7, -1, 13, 13};
  c.input = {"ids", make_int64s(ids_dims, {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count)})};
  c.weights = {{"w", {kRows, width}, random_floats(static_cast<size_t>(kRows * width), 21)}};
  c.nodes = {{"Gather", {"w", "ids"}, {"y"}, "target", {}}};
  c.output_dims = ids_dims;
  c.output_dims.push_back(width);
  c.opset = opset;
  return c;
}

WeightPlan by_block(const QuantSpec& spec, int64_t block) {
  WeightPlan plan;
  plan.weight = "w";
  plan.form = Form::kGatherBlock;
  plan.spec = spec;
  plan.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = block};
  plan.uses = {{.node = "target", .input = 0}};
  return plan;
}

WeightPlan by_row(const QuantSpec& spec, const ScaleLayout& layout) {
  WeightPlan plan = by_block(spec, 0);
  plan.form = Form::kGatherRows;
  plan.layout = layout;
  return plan;
}

void expect_exact(const Case& c, const WeightPlan& plan, Where where) {
  SCOPED_TRACE(name_of(where) + ", opset " + std::to_string(c.opset) + ", width " +
               std::to_string(c.weights[0].dims[1]));
  const Rewritten rewritten = rewrite(build(c, where), {plan});
  EXPECT_LT(error_of(with_dequantized(c, {plan}), c, where, rewritten), 1e-6);
  EXPECT_GT(error_of(c, c, where, rewritten), 1e-5) << "nothing was rounded";
}

TEST(GatherBlock, IsExactInEveryPlace) {
  for (Where where : all_places()) {
    for (int64_t opset : {8, 11, 17}) {
      if (where == Where::kFunction && opset == 8) continue;
      expect_exact(table_case(64, opset), by_block({.code_type = DType::kInt8}, 32), where);
      expect_exact(table_case(64, opset), by_block({.code_type = DType::kUint4, .symmetry = Symmetry::kAsymmetric}, 16),
                   where);
    }
  }
}

TEST(GatherBlock, ZeroPointsScalesAndRaggedRows) {
  for (DType type : {DType::kInt8, DType::kUint8, DType::kInt4, DType::kUint4}) {
    for (Symmetry symmetry : {Symmetry::kSymmetric, Symmetry::kAsymmetric}) {
      for (int64_t width : {48, 75, 96}) {
        for (int64_t opset : {9, 17}) {
          QuantSpec spec{.code_type = type, .symmetry = symmetry};
          if (width == 96) spec.scale_type = ScaleType::kFloat16;
          if (width == 75) spec.scale_type = ScaleType::kLog8;
          expect_exact(table_case(width, opset), by_block(spec, 32), Where::kIfOuter);
        }
      }
    }
  }
}

TEST(GatherBlock, IdsOfAnyRank) {
  for (const Dims& dims : {Dims{}, Dims{5}, Dims{1, 2, 3}}) {
    expect_exact(table_case(75, 17, dims), by_block({.code_type = DType::kInt4}, 32), Where::kTop);
    expect_exact(table_case(75, 17, dims), by_block({.code_type = DType::kInt4}, 32), Where::kFunction);
  }
}

// Table and head are one tensor, as language models tie them.
Case tied_case(int64_t width, int64_t opset = 17) {
  Case c = table_case(width, opset);
  c.nodes = {{"Gather", {"w", "ids"}, {"h"}, "target", {}},
             {"Transpose",
              {"w"},
              {"wt"},
              "swap",
              [](onnx::NodeProto& node) {
                set_ints(node, "perm", {1, 0});
              }},
             {"MatMul", {"h", "wt"}, {"y"}, "head", {}}};
  c.output_dims = {2, 3, kRows};
  return c;
}

TEST(GatherBlock, SharesItsTableWithTheHead) {
  for (DType type : {DType::kInt8, DType::kUint8, DType::kInt4, DType::kUint4}) {
    for (Symmetry symmetry : {Symmetry::kSymmetric, Symmetry::kAsymmetric}) {
      for (int64_t width : {64, 75, 96}) {
        for (Where where : {Where::kTop, Where::kIfOuter, Where::kIfInner, Where::kLoopOuter, Where::kFunction}) {
          SCOPED_TRACE(std::string(name_of(type)) + " " + std::to_string(width) + " " + name_of(where));
          const Case c = tied_case(width);
          WeightPlan plan = by_block({.code_type = type, .symmetry = symmetry, .scale_type = ScaleType::kFloat16}, 32);
          plan.uses.push_back({.node = "head", .input = 1, .transposed = true, .form = Form::kMatMulNBits});
          const Rewritten rewritten = rewrite(build(c, where), {plan});
          EXPECT_EQ(rewritten.emitted.jobs.size(), 1u);
          EXPECT_LT(error_of(with_dequantized(c, {plan}), c, where, rewritten), 1e-5);
          EXPECT_EQ(written(rewritten.path).count("Transpose"), 0u);
        }
      }
    }
  }
}

TEST(GatherBlock, AnotherAxisIsRefused) {
  Case c = table_case(64);
  c.nodes[0].attributes = [](onnx::NodeProto& node) { set_int(node, "axis", 1); };
  c.output_dims = {kRows, 2, 3};
  try {
    rewrite(build(c, Where::kTop), {by_block({.code_type = DType::kInt8}, 32)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "/target: form gather_block looks up rows; this Gather has another axis; use form fold_at_load");
  }
}

TEST(GatherRows, IsExactInEveryPlace) {
  for (Where where : all_places()) {
    for (int64_t opset : {8, 11, 17}) {
      if (where == Where::kFunction && opset == 8) continue;
      expect_exact(table_case(50, opset), by_row({.code_type = DType::kInt8}, {.channel_axes = {0}}), where);
    }
  }
}

TEST(GatherRows, GranularitiesTypesAndRanksOfIds) {
  const ScaleLayout per_row{.channel_axes = {0}}, per_tensor{},
      blocks{.channel_axes = {0}, .block_axis = 1, .block_size = 16};
  for (DType type : {DType::kInt8, DType::kUint8}) {
    for (Symmetry symmetry : {Symmetry::kSymmetric, Symmetry::kAsymmetric}) {
      for (const ScaleLayout& layout : {per_row, per_tensor, blocks}) {
        for (const Dims& ids : {Dims{}, Dims{4}, Dims{2, 3}}) {
          expect_exact(table_case(64, 17, ids),
                       by_row({.code_type = type, .symmetry = symmetry, .scale_type = ScaleType::kFloat16}, layout),
                       Where::kTop);
        }
      }
    }
  }
}

TEST(GatherRows, UsesStandardOperatorsOnly) {
  const Rewritten rewritten = rewrite(build(table_case(64), Where::kTop),
                                      {by_row({.code_type = DType::kInt8}, {.channel_axes = {0}})}, Contrib::kNo);
  EXPECT_EQ(rewritten.emitted.skeleton->opset_import_size(), 1);
  EXPECT_EQ(written(rewritten.path), (std::map<std::string, uint64_t>{{"Cast", 1}, {"Gather", 2}, {"Mul", 1}}));
}

TEST(GatherRows, FourBitsAreRefused) {
  try {
    rewrite(build(table_case(64), Where::kTop), {by_row({.code_type = DType::kInt4}, {.channel_axes = {0}})});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(), "/target: form gather_rows takes 8-bit codes; use form gather_block, or weights: int8");
  }
}

}  // namespace
}  // namespace vetquant::test
