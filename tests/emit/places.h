// Small float models with their weights and nodes in every kind of place, rewritten by a plan made by hand, written, and
// run by ONNX Runtime. The reference is the same float model whose weights went through the quantizer: a second way to the
// same numbers that knows nothing of the emitted graph.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/model_builder.h"
#include "vetquant/emit/emit.h"
#include "vetquant/runtime/session.h"
#include "vetquant/write/write.h"

namespace vetquant::test {

enum class Where { kTop, kTopConstant, kIfOuter, kIfInner, kIfConstant, kLoopOuter, kLoopInner, kFunction };
std::vector<Where> all_places();
std::string name_of(Where where);

struct Weight {
  std::string name;
  Dims dims;
  std::vector<float> values;
};

struct NodeSpec {
  std::string op;
  Names inputs, outputs;
  std::string name;
  std::function<void(onnx::NodeProto&)> attributes;
};

// A model  input -> nodes -> "y".
struct Case {
  NamedTensor input;  // "x" (float) or "ids" (int64)
  std::vector<Weight> weights;
  std::vector<NodeSpec> nodes;
  Dims output_dims;
  int64_t opset = 17;
  const Weight& weight(const std::string& name) const;
};

TestModel build(const Case& c, Where where);
// The value "y".
std::vector<double> run(const std::filesystem::path& model, const Case& c, Where where);
HostTensor run(const std::filesystem::path& model, const std::vector<NamedTensor>& inputs);
// What the runtime made of the model.
std::map<std::string, uint64_t> optimized(const std::filesystem::path& model);
std::map<std::string, uint64_t> written(const std::filesystem::path& model);

// What the plan says of one weight.
struct WeightPlan {
  std::string weight;  // as the first node of `uses` reads it
  Form form = Form::kFoldAtLoad;
  QuantSpec spec;
  ScaleLayout layout;    // of the stored orientation
  bool swapped = false;  // stored with the last two axes swapped against the first use
  struct Use {
    std::string node;
    int input = 1;
    bool transposed = false;
    Form form = Form::kKeep;  // of the node; kKeep: the weight's
  };
  std::vector<Use> uses;
  DType stored_type = DType::kInt8;
  int accuracy_level = 0;
};

struct Rewritten {
  std::unique_ptr<TempFolder> folder = std::make_unique<TempFolder>();
  std::shared_ptr<const Model> source;
  Emitted emitted;
  std::filesystem::path path;
};
enum class Contrib { kYes, kNo };
inline constexpr CleanUp kNoCleanUp{.reshape_targets = false, .identities = false, .constants = false};
// Forms without weights (fp16 compute): `more` names nodes.
Rewritten rewrite(const TestModel& model, const std::vector<WeightPlan>& weights, Contrib contrib = Contrib::kYes,
                  const std::map<std::string, Form>& more = {}, const CleanUp& clean_up = kNoCleanUp);

// The weight after quantization: codes and scales of the algorithm, group by group, put back as floats.
std::vector<float> dequantized(const Weight& weight, const WeightPlan& plan);
Case with_dequantized(Case c, const std::vector<WeightPlan>& weights);
// x as DynamicQuantizeLinear would see it: uint8 and back.
NamedTensor with_rounded_activation(const NamedTensor& x);

// Largest difference against the largest value of `reference`.
double relative_error(const std::vector<double>& reference, const std::vector<double>& value);
// Runs both models and compares.
double error_of(const Case& reference, const Case& c, Where where, const Rewritten& rewritten);

// The range of int8 weights whose products with uint8 activations this processor sums exactly: all of it with VNNI or off
// x86; without, sums of two products saturate at 16 bits (ONNX Runtime issue 6004), which 7 bits cannot reach.
CodeRange exact_range();

}  // namespace vetquant::test
