// A loaded test model with all that planning wants, a target whose preferences are easy to reason about, and shorthands.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "support/model_builder.h"
#include "vetquant/core/error.h"
#include "vetquant/plan/plan.h"

namespace vetquant::test {

class Planned {  // a model that can be planned again and again
 public:
  explicit Planned(const TestModel& model);
  Plan plan(const Policy& policy, const TargetProfile& target, const PlanOptions& options = {}) const;
  const GraphIndex& index() const { return *index_; }
  const ConstantFinder& constants() const { return *constants_; }
  const Model& model() const { return *model_; }

 private:
  TempFolder folder_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<GraphIndex> index_;
  std::unique_ptr<ConstantFinder> constants_;
};

// int8: products with 64 rows or more dynamic_integer, else matmul_nbits 128 at level 4; int4 matmul_nbits 32; tables
// gather_block; LSTM dynamic; all else fold_at_load. `activations: none` folds, `dynamic` makes products dynamic.
TargetProfile test_target();
// An accelerator named Chip, of a target named chip, with these rows.
TargetProfile chip(const std::string& operators, const std::string& accelerator = "fixed_shapes: true");
Policy test_policy(DType weights);                                       // defaults alone; on_unsupported: error
Rule rule(const std::string& name, const Match& match, const Use& use);  // written at p.yaml:10:5
Use weights(DType type);

const PlannedTensor* tensor_named(const Plan& plan, const std::string& name);
const PlannedNode* node_named(const Plan& plan, const GraphIndex& index, const std::string& address);
const KeptWeight* kept_named(const Plan& plan, const std::string& name);
bool mentions(const std::vector<std::string>& texts, const std::string& part);

// x [rows, 64] @ w [64, 96]; rows -1: unknown.
TestModel product_model(int64_t rows = -1, int64_t opset = 17);

Error error_of(const std::function<void()>& call);  // the Error that it throws; fails the test where it does not

}  // namespace vetquant::test
