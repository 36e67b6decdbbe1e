#include "vetquant/model/operator_schemas.h"

#include <gmock/gmock.h>
#include <onnx/defs/schema.h>

#include <thread>
#include <vector>

#include "operator_recipes.h"

namespace vetquant {
namespace {

constexpr int kNewest = 40;  // newer than any opset: the latest schema of each

// What tells two schemas of one operator apart.
struct Facts {
  std::string name, domain;
  int since;
  size_t inputs, outputs, attributes, types;
  bool deprecated, infers, has_function;
  bool operator==(const Facts&) const = default;
};

Facts facts_of(const onnx::OpSchema* schema) {
  if (schema == nullptr) return {};
  return {schema->Name(),
          schema->domain(),
          schema->since_version(),
          schema->inputs().size(),
          schema->outputs().size(),
          schema->attributes().size(),
          schema->typeConstraintParams().size(),
          schema->Deprecated(),
          schema->has_type_and_shape_inference_function(),
          schema->HasFunction()};
}

TEST(OperatorSchemas, AreThoseOfOnnxForEveryOperatorAtEveryOpset) {
  const auto all = onnx::OpSchemaRegistry::get_all_schemas_with_history();
  ASSERT_GT(all.size(), 500u);
  for (const onnx::OpSchema& schema : all) {
    for (int opset : {schema.since_version() - 1, schema.since_version(), schema.since_version() + 1, kNewest}) {
      const onnx::OpSchema* theirs = onnx::OpSchemaRegistry::Schema(schema.Name(), opset, schema.domain());
      const onnx::OpSchema* ours = operator_schemas().GetSchema(schema.Name(), opset, schema.domain());
      ASSERT_EQ(facts_of(ours), facts_of(theirs)) << schema.domain() << ":" << schema.Name() << " at opset " << opset;
    }
  }
}

TEST(OperatorSchemas, AreNoneForUnknownOperatorsAndDomains) {
  EXPECT_EQ(operator_schemas().GetSchema("NoSuchOperator", kNewest, ""), nullptr);
  EXPECT_EQ(operator_schemas().GetSchema("Rel", kNewest, ""), nullptr);
  EXPECT_EQ(operator_schemas().GetSchema("", kNewest, ""), nullptr);
  EXPECT_EQ(operator_schemas().GetSchema("Relu", kNewest, "com.microsoft"), nullptr);
  EXPECT_EQ(operator_schemas().GetSchema("MatMulNBits", 1, "com.microsoft"), nullptr);
}

TEST(OperatorSchemas, AreMadeOnceForAllThreads) {
  if (operator_recipes().empty()) GTEST_SKIP() << "this ONNX package keeps its schemas to itself";
  std::vector<const onnx::OpSchema*> seen(8);
  std::vector<std::thread> threads;
  for (auto& slot : seen)
    threads.emplace_back([&slot] { slot = operator_schemas().GetSchema("Softmax", kNewest, ""); });
  for (auto& thread : threads) thread.join();
  EXPECT_NE(seen[0], nullptr);
  EXPECT_THAT(seen, testing::Each(seen[0]));
}

}  // namespace
}  // namespace vetquant
