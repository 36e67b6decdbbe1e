// Copies of a table that an exporter wrote twice.
#include "vetquant/plan/ties.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

// A table of 512 x 64 and a head of its own values, transposed; `changed` values of the head differ.
TestModel copies(size_t changed = 0, bool constant = false) {
  std::vector<float> table = random_floats(512 * 64, 1), head(table.size());
  if (constant) std::fill(table.begin(), table.end(), 0.F);
  for (size_t v = 0; v < 512; ++v) {
    for (size_t k = 0; k < 64; ++k) head[k * 512 + v] = table[v * 64 + k];
  }
  for (size_t i = 0; i < changed; ++i) head[i] += 1.F;
  TestModel model;
  auto graph = model.main();
  graph.input("ids", kInt64, {-1}).input("h", kFloat, {-1, 64}).output("e").output("logits");
  graph.floats("table", {512, 64}, table).floats("head_w", {64, 512}, head);
  graph.node("Gather", {"table", "ids"}, {"e"}, "embed");
  graph.node("MatMul", {"h", "head_w"}, {"logits"}, "head");
  return model;
}

Policy lenient(DType type) {
  Policy policy = test_policy(type);
  policy.on_unsupported = OnUnsupported::kKeep;
  return policy;
}

TEST(Ties, ATransposedCopyIsStoredOnceAndProvenLater) {
  const Plan plan = Planned(copies()).plan(lenient(DType::kInt8), test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  const PlannedTensor& table = plan.tensors[0];
  EXPECT_EQ(table.name, "table");
  EXPECT_EQ(table.uses.size(), 2u);
  ASSERT_EQ(table.proven_equal.size(), 1u);
  EXPECT_EQ(table.proven_equal[0].shape(), table.view.shape());
  EXPECT_EQ(table.bytes_before, 2u * 4 * 512 * 64);
  EXPECT_TRUE(mentions(plan.notes, "table: 1 equal copy of it stored once; every value is compared while quantizing"));
}

TEST(Ties, TablesThatDifferAreNotTied) {
  const Planned model(copies(512 * 64));
  EXPECT_EQ(model.plan(lenient(DType::kInt8), test_target()).tensors.size(), 2u);
  EXPECT_TRUE(find_ties(model.index(), model.constants()).empty());
}

TEST(Ties, TablesOfZerosAreNotTied) {
  EXPECT_EQ(Planned(copies(0, true)).plan(lenient(DType::kInt8), test_target()).tensors.size(), 2u);
}

TEST(Ties, ApartKeepsTheCopies) {
  Policy policy = lenient(DType::kInt8);
  policy.tensors.tied = Tied::kApart;
  const Plan plan = Planned(copies()).plan(policy, test_target());
  EXPECT_EQ(plan.tensors.size(), 2u);
  EXPECT_TRUE(plan.tensors[0].proven_equal.empty());
}

TEST(Ties, CopiesWithDifferentWishesStayTwoWithANote) {
  Policy policy = test_policy(DType::kInt8);
  Match heads;
  heads.op = {"MatMul"};
  policy.rules = {rule("heads", heads, weights(DType::kInt4))};
  const Plan plan = Planned(copies()).plan(policy, test_target());
  EXPECT_EQ(plan.tensors.size(), 2u);
  EXPECT_TRUE(mentions(plan.notes,
                       "table, head_w: tied copies are stored apart, as int4 matmul_nbits for /head (heads) and int8 "
                       "gather_block for /embed"));
}

TEST(Ties, UnderALenientPolicyCopiesShareTheFinerCodes) {
  Policy policy = lenient(DType::kInt8);
  Match heads;
  heads.op = {"MatMul"};
  policy.rules = {rule("heads", heads, weights(DType::kInt4))};
  const Plan plan = Planned(copies()).plan(policy, test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);  // 8 bits once are less than 8 and 4
  EXPECT_EQ(plan.tensors[0].stored_type, DType::kInt8);
  EXPECT_EQ(plan.tensors[0].proven_equal.size(), 1u);
}

TEST(Ties, HalvesOfCopiesAreStoredOnce) {
  const Plan plan = Planned(copies()).plan(lenient(DType::kFloat16), test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(plan.tensors[0].bytes_after, 2u * 512 * 64);
  ASSERT_EQ(plan.tensors[0].uses.size(), 2u);
  EXPECT_NE(plan.tensors[0].uses[0].transposed, plan.tensors[0].uses[1].transposed);
}

TEST(Ties, FindTiesListsTheCopiesAndTheirReaders) {
  const Planned model(copies());
  const std::vector<TiedTensor> ties = find_ties(model.index(), model.constants());
  ASSERT_EQ(ties.size(), 1u);
  ASSERT_EQ(ties[0].copies.size(), 2u);
  EXPECT_TRUE(ties[0].looked_up);
  EXPECT_TRUE(ties[0].multiplied);
  EXPECT_EQ(ties[0].copies[0].name, "table");
  EXPECT_EQ(ties[0].copies[1].nodes, (std::vector<std::string>{"/head"}));
}

}  // namespace
}  // namespace vetquant::test
