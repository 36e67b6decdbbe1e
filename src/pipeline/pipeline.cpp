#include "vetquant/pipeline/pipeline.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <utility>

#include "background_digest.h"
#include "prepare.h"
#include "static_source.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/emit/emit.h"
#include "vetquant/eval/sample_shapes.h"
#include "vetquant/model/rewrites.h"
#include "vetquant/pipeline/self_check.h"

namespace vetquant {
namespace {

constexpr size_t kDigestLength = 32;
constexpr const char* kSourceDigestKey = "vetquant.source_digest";

void check_budget(const Prepared& p) {
  const Budget& budget = p.policy.budget;
  if (budget.file_bytes && p.sizes.total_bytes() > *budget.file_bytes) {
    throw Error(ErrorCode::kBudget,
                "the result takes " + std::to_string(p.sizes.total_bytes()) + " bytes, the policy's budget is " +
                    std::to_string(*budget.file_bytes) + "; see `vetquant plan` for what is largest",
                p.request.model.string());
  }
  if (!budget.effective_bits) return;
  double bits = 0, elements = 0;
  for (const PlannedTensor& tensor : p.plan.tensors) {
    bits += 8.0 * static_cast<double>(tensor.bytes_after);
    elements += static_cast<double>(tensor.elements);
  }
  for (const KeptWeight& kept : p.plan.kept) {
    bits += 8.0 * static_cast<double>(kept.bytes);
    elements += static_cast<double>(kept.elements);
  }
  if (elements > 0 && bits / elements > *budget.effective_bits) {
    throw Error(ErrorCode::kBudget,
                "weights take " + std::to_string(bits / elements) + " bits each, the policy's budget is " +
                    std::to_string(*budget.effective_bits) + "; see `vetquant plan` for what is largest",
                p.request.model.string());
  }
}

[[noreturn]] void fail_nothing_to_do(const Prepared& p) {
  std::map<std::string, size_t> reasons;
  for (const KeptWeight& kept : p.plan.kept) ++reasons[kept.reason.text];
  const auto most = std::max_element(reasons.begin(), reasons.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::string why = most == reasons.end()
                              ? std::string("the model has no float weight of ") +
                                    std::to_string(p.policy.tensors.min_elements) + " elements or more"
                              : "most weights stay because: " + most->first;
  throw Error(ErrorCode::kUsage, "nothing to quantize by policy '" + p.plan.policy_name + "': " + why,
              p.request.model.string());
}

// The same file under any name must never be written while it is read.
void check_output_is_no_input(const Model& model, const std::filesystem::path& output) {
  for (const auto& file : model.files()) {
    std::error_code ignored;
    if (std::filesystem::equivalent(file->path(), output, ignored)) {
      throw Error(ErrorCode::kUsage, "is an input of this run; name another output", output.string());
    }
  }
}

void set_metadata(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  auto& entries = *model.mutable_metadata_props();
  const auto entry = std::find_if(entries.rbegin(), entries.rend(), [&](const auto& e) { return e.key() == key; });
  if (entry != entries.rend()) entry->set_value(value);
}

std::filesystem::path output_of(const Request& request) {
  if (!request.output.empty()) return request.output;
  return request.model.parent_path() / (request.model.stem().string() + ".vetquant.onnx");
}

std::pair<Policy, TargetProfile> documents_of(const Request& request) {
  Policy policy = load_policy(request.policy);
  TargetProfile target = load_target(request.target ? *request.target : policy.target.value_or(kDefaultTarget));
  return {std::move(policy), std::move(target)};
}

// The shapes of the test set's samples for inputs that the request says nothing about. `index`: of the model as it
// was loaded.
void add_sample_shapes(const Request& request, const GraphIndex& index, std::vector<ShapeBinding>& seen) {
  if (request.profile_on.empty()) return;
  const TestSet set = load_test_set(request.profile_on);
  const std::vector<ValueType> types = infer_types(index);
  std::vector<TensorInfo> inputs;
  for (const ValueId id : index.scope(ScopeId{0}).inputs) {
    const ValueInfo& value = index.value(id);
    const ValueType& type = types[static_cast<size_t>(id.value)];
    if (value.kind == ValueKind::kInput) inputs.push_back({value.name, type.dtype, type.shape, type.symbols});
  }
  for (auto& [input, shape] : sample_shapes(set, inputs)) {
    const bool named = std::any_of(request.shapes.begin(), request.shapes.end(),
                                   [&, &name = input](const ShapeBinding& bound) { return bound.input == name; });
    if (!named) seen.push_back({input, std::move(shape)});
  }
}

struct FixedSource {
  Source source;
  std::vector<std::string> steps;
};

FixedSource with_fixed_shapes(const Source& source, const std::vector<ShapeBinding>& shapes) {
  if (shapes.empty()) return {source, {}};
  Rewritten fixed = fix_shapes(source.model, shapes);
  auto index = std::make_shared<const GraphIndex>(fixed.model->skeleton());
  return {{std::move(fixed.model), std::move(index), source.digest}, std::move(fixed.steps)};
}

// With nodes put back where self-check says so.
void make_plans(Prepared& p, const Request& request, const std::vector<ShapeBinding>& seen) {
  PlanOptions options{.shapes = seen, .statistics = p.statistics.get()};
  const bool check = p.policy.self_check && p.statistics != nullptr;
  if (check && request.self_checked) {
    p.self_checked = *request.self_checked;
    options.put_back = p.self_checked.put_back;
  }
  p.plan = make_plan(*p.model, *p.index, *p.constants, p.policy, p.target, options);
  if (!check || request.self_checked) return;
  if (!request.self_check) {
    p.self_checked.steps.push_back("self_check: not done: it wants samples as --calibration, not their statistics");
    return;
  }
  p.self_checked = request.self_check({*p.model, *p.index, *p.constants, p.policy, p.target, options, p.plan});
  if (p.self_checked.put_back.empty()) return;
  options.put_back = p.self_checked.put_back;
  p.plan = make_plan(*p.model, *p.index, *p.constants, p.policy, p.target, options);
}

}  // namespace

Source load_source(const std::filesystem::path& path) {
  std::shared_ptr<const Model> model = Model::load(path);
  auto index = std::make_shared<const GraphIndex>(model->skeleton());
  return {std::move(model), std::move(index), nullptr};
}

Prepared prepare_from(const Request& request, const Source& loaded, Policy policy, TargetProfile target,
                      const std::string& source_digest, std::vector<ShapeBinding> seen) {
  const FixedSource fixed = with_fixed_shapes(loaded, request.shapes);
  const Source& source = fixed.source;
  add_sample_shapes(request, *loaded.index, seen);
  Prepared p;
  p.request = request;
  p.request.shapes.insert(p.request.shapes.end(), seen.begin(), seen.end());
  p.policy = std::move(policy);
  p.target = std::move(target);
  std::optional<StaticSource> prepared_source;
  if (asks_for_static_activations(p.policy)) {
    prepared_source = make_static_source(request, source, p.policy, p.target);
  } else if (!request.calibration.empty()) {
    throw Error(ErrorCode::kUsage,
                "policy '" + p.policy.name +
                    "' asks for no static activations; leave --calibration out, or say "
                    "`activations: static`",
                request.calibration.string());
  }
  p.model = prepared_source ? prepared_source->source.model : source.model;
  p.index = prepared_source ? prepared_source->source.index : source.index;
  p.digest = source.digest;
  p.source_digest = source_digest;
  p.constants = std::make_unique<ConstantFinder>(*p.model, *p.index,
                                                 p.policy.tensors.overridable == Overridable::kQuantize
                                                     ? OverridableValues::kConstant
                                                     : OverridableValues::kNotConstant);
  if (prepared_source) p.statistics = std::move(prepared_source->statistics);
  make_plans(p, request, seen);
  std::vector<std::string>& steps = p.plan.steps;
  steps = fixed.steps;
  if (prepared_source) steps.insert(steps.end(), prepared_source->steps.begin(), prepared_source->steps.end());
  steps.insert(steps.end(), p.self_checked.steps.begin(), p.self_checked.steps.end());
  const std::map<std::string, std::string> metadata = {
      {"vetquant.version", kVersion},
      {"vetquant.policy", p.plan.policy_name},
      {"vetquant.policy_digest", p.plan.policy_digest},
      {"vetquant.target", p.plan.target_name},
      {kSourceDigestKey, source_digest.empty() ? std::string(kDigestLength, '0') : source_digest},
  };
  p.emitted = emit(*p.model, *p.index, *p.constants, p.plan, p.target, metadata);
  p.sizes = layout_sizes(*p.model, p.emitted, request.sidecar, output_of(request));
  return p;
}

Prepared prepare(const Request& request, const Source& source) {
  auto [policy, target] = documents_of(request);
  return prepare_from(request, source, std::move(policy), std::move(target), {});
}

Prepared prepare(const Request& request) {
  auto [policy, target] = documents_of(request);  // before the model: a typo is told at once
  Source source = load_source(request.model);
  if (request.threads) source.digest = std::make_shared<BackgroundDigest>(source.model, *request.threads);
  return prepare_from(request, source, std::move(policy), std::move(target), {});
}

void check_worth_doing(const Prepared& prepared) {
  if (prepared.plan.changes_nothing()) fail_nothing_to_do(prepared);
  check_budget(prepared);
}

WriteResult quantize(const Prepared& prepared, const AlgorithmSet& algorithms, const WriteOptions& options) {
  check_worth_doing(prepared);
  check_output_is_no_input(*prepared.model, options.output);
  WriteOptions own = options;
  std::shared_ptr<BackgroundDigest> digest = prepared.digest;
  if (prepared.source_digest.empty()) {
    if (digest == nullptr) digest = std::make_shared<BackgroundDigest>(prepared.model, options.threads);
    own.before_literals = [digest](onnx::ModelProto& model) { set_metadata(model, kSourceDigestKey, digest->take()); };
  }
  WriteResult result = write_model(*prepared.model, prepared.emitted, algorithms, own);
  if (result.sizes.total_bytes() != prepared.sizes.total_bytes()) {
    throw Error(ErrorCode::kInternal, "the written size differs from the planned one", options.output.string());
  }
  return result;
}

}  // namespace vetquant
