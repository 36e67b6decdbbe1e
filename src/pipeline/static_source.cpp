#include "static_source.h"

#include <algorithm>

#include "background_digest.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/model/rewrites.h"
#include "vetquant/policy/statistics_file.h"

namespace vetquant {
namespace {

constexpr std::string_view kDigestKind = "xxh3-128:";

template <class Predicate>
bool any_use(const Policy& policy, const Predicate& holds) {
  return holds(policy.defaults) ||
         std::any_of(policy.rules.begin(), policy.rules.end(), [&](const Rule& rule) { return holds(rule.use); });
}

// 16-bit codes are of opset 21, scales per channel of 13; com.microsoft has both, beside operators of opset 10.
int64_t needed_opset(const Policy& policy, const TargetProfile& target, int64_t present) {
  constexpr int64_t kPairs = 10, kPerAxis = 13, kWide = 21;
  const bool wide =
      any_use(policy, [](const Use& use) { return use.activation_type && bits_of(*use.activation_type) == 16; });
  const int64_t least = target.contrib_ops ? kPairs : wide ? kWide : kPerAxis;
  return present >= least ? present : std::max(least, kPerAxis);
}

void check_same_model(const quant::ActivationStatistics& statistics, const Source& source, const Request& request) {
  std::string_view expected = statistics.model_digest;
  if (expected.starts_with(kDigestKind)) expected.remove_prefix(kDigestKind.size());
  if (expected.empty()) return;
  if (expected == (source.digest != nullptr ? source.digest->take() : source.model->digest())) return;
  throw Error(ErrorCode::kUsage,
              "these are statistics of another model (" + printable(statistics.model_file) + "), not of " +
                  request.model.string() + "; calibrate this one, or take their `digest` away if you know better",
              request.calibration.string());
}

}  // namespace

bool asks_for_static_activations(const Policy& policy) {
  return any_use(policy, [](const Use& use) { return use.activations == Activations::kStatic; });
}

StaticSource make_static_source(const Request& request, const Source& source, const Policy& policy,
                                const TargetProfile& target) {
  if (request.calibration.empty() && request.statistics == nullptr) {
    throw Error(ErrorCode::kUsage,
                "policy '" + policy.name +
                    "' asks for static activations, whose ranges have to be known; give --calibration: a test set, a "
                    ".npz of inputs, or a statistics file of `vetquant calibrate`",
                request.model.string());
  }
  StaticSource result{.source = source, .statistics = request.statistics, .steps = {}};
  if (!request.calibration.empty()) {
    result.statistics = std::make_shared<const quant::ActivationStatistics>(
        request.calibrate ? request.calibrate(source, policy) : read_statistics(request.calibration.string()));
    check_same_model(*result.statistics, source, request);
  }
  const auto rewrite = [&](Rewritten rewritten) {
    result.source.model = std::move(rewritten.model);
    result.steps.insert(result.steps.end(), rewritten.steps.begin(), rewritten.steps.end());
  };
  const int64_t opset = source.index->opset(ScopeId{0}, "");
  rewrite(raise_opset(result.source.model, needed_opset(policy, target, opset)));
  rewrite(fold_batch_normalizations(result.source.model, policy.tensors.overridable == Overridable::kQuantize
                                                             ? OverridableValues::kConstant
                                                             : OverridableValues::kNotConstant));
  if (!result.steps.empty()) result.source.index = std::make_shared<GraphIndex>(result.source.model->skeleton());
  return result;
}

}  // namespace vetquant
