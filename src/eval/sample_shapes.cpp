#include "vetquant/eval/sample_shapes.h"

#include <algorithm>

#include "exported_names.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/language_model.h"

namespace vetquant {
namespace {

constexpr size_t kMostSamples = 64;

using Shapes = std::map<std::string, std::vector<int64_t>>;

// Tokens that the model gets at once.
int64_t tokens_at_once(const LanguageSet& set, bool caches) {
  if (caches && set.tokens_per_run > 0) return static_cast<int64_t>(set.tokens_per_run);
  std::vector<size_t> lengths;
  for (const Document& document : set.documents) lengths.push_back(document.text.ids.size());
  for (const ClozeItem& item : set.cloze) lengths.push_back(item.texts.at(item.answer).ids.size());
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  return static_cast<int64_t>(std::min(set.window, *middle));
}

Shapes shapes_of_language(const LanguageSet& set, const std::vector<TensorInfo>& inputs) {
  const bool caches = std::any_of(inputs.begin(), inputs.end(), [](const auto& info) { return is_cache(info.name); });
  const bool whole = !caches || set.tokens_per_run == 0;
  const int64_t tokens = tokens_at_once(set, caches);
  Shapes shapes;
  for (const TensorInfo& info : inputs) {
    const bool counts = info.name == "input_ids" || info.name == "position_ids";
    if (counts || (whole && info.name == "attention_mask")) shapes[info.name] = {1, tokens};
  }
  return shapes;
}

Shapes shapes_of_samples(const TestSet& set, const std::vector<TensorInfo>& inputs) {
  std::vector<TensorInfo> given;
  for (const TensorInfo& info : inputs) {
    if (set.inputs.contains(info.name)) given.push_back(info);
  }
  std::map<std::string, std::vector<std::vector<int64_t>>> seen;
  const size_t count = std::min(kMostSamples, set.samples);
  for (size_t i = 0; i < count; ++i) {
    for (const NamedTensor& input : feed_of(set, i * set.samples / count, 0, given))
      seen[input.name].push_back(input.tensor.shape);
  }
  Shapes shapes;
  for (auto& [name, all] : seen) {
    std::vector<int64_t>& shape = shapes[name];
    for (size_t d = 0; d < all[0].size(); ++d) {
      std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return a[d] < b[d]; });
      shape.push_back(all[all.size() / 2][d]);
    }
  }
  return shapes;
}

}  // namespace

std::map<std::string, std::vector<int64_t>> sample_shapes(const TestSet& set, const std::vector<TensorInfo>& inputs) {
  switch (set.task) {
    case TaskKind::kSpeech:
      throw Error(ErrorCode::kUsage,
                  "a speech model has several graphs, each with lengths of its own: name them by --shape",
                  set.path.string());
    case TaskKind::kLanguageModel:
      return shapes_of_language(*set.language, inputs);
    case TaskKind::kClassification:
    case TaskKind::kTensors:
      return shapes_of_samples(set, inputs);
  }
  return {};
}

}  // namespace vetquant
