#include "causal_model.h"

#include <algorithm>
#include <cstring>

#include "exported_names.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/input_source.h"

namespace vetquant {
namespace {

constexpr const char* kLogits = "logits";

HostTensor* tensor_called(std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.name == name; });
  return found == tensors.end() ? nullptr : &found->tensor;
}

HostTensor empty_cache(const TensorInfo& info) {
  HostTensor tensor{info.dtype, info.shape, {}};
  bool grows = false;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    if (tensor.shape[d] >= 0) continue;
    const std::string symbol = d < info.symbols.size() ? info.symbols[d] : "";
    const bool batch = symbol.find("batch") != std::string::npos || (symbol.empty() && d == 0);
    if (!batch && grows)
      throw Error(
          ErrorCode::kUsage,
          "the model's cache does not tell the batch from the tokens by the names of its axes: " + describe(info));
    tensor.shape[d] = batch ? 1 : 0;
    grows |= !batch;
  }
  if (!grows) throw Error(ErrorCode::kUsage, "the model's cache cannot be empty: " + describe(info));
  return tensor;
}

HostTensor integers(const TensorInfo& info, size_t count, const auto& value) {
  std::vector<int64_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = value(i);
  return fitted(make_int64s({1, static_cast<int64_t>(count)}, values), info);
}

HostTensor input_of(const TensorInfo& info, std::span<const uint32_t> ids, size_t past) {
  if (info.name == "input_ids") return integers(info, ids.size(), [&](size_t i) { return int64_t{ids[i]}; });
  if (info.name == "attention_mask") return integers(info, past + ids.size(), [](size_t) { return 1; });
  if (info.name == "position_ids")
    return integers(info, ids.size(), [&](size_t i) { return static_cast<int64_t>(past + i); });
  if (info.name == "use_cache_branch") return fitted(make_int64s({1}, {past > 0 ? 1 : 0}), info);
  throw Error(ErrorCode::kUsage, "the model wants an input '" + info.name +
                                     "'; the task language_model feeds input_ids, attention_mask, "
                                     "position_ids, past_key_values.* and use_cache_branch");
}

void append(Logits& logits, const HostTensor& tensor, size_t positions, uint32_t greatest_id) {
  const auto& shape = tensor.shape;
  const bool fits = shape.size() >= 2 && shape.size() <= 3 &&
                    shape[shape.size() - 2] == static_cast<int64_t>(positions) && (shape.size() == 2 || shape[0] == 1);
  if (!fits) {
    throw Error(ErrorCode::kGate, "the model gives logits " + describe(tensor) + " for " + std::to_string(positions) +
                                      " tokens; one row for each is needed");
  }
  const auto vocabulary = static_cast<size_t>(shape.back());
  if (vocabulary <= greatest_id || (logits.vocabulary != 0 && logits.vocabulary != vocabulary)) {
    throw Error(ErrorCode::kGate, "the model gives logits of " + std::to_string(vocabulary) +
                                      " tokens, but the tokenizer gives token " + std::to_string(greatest_id));
  }
  logits.vocabulary = vocabulary;
  const HostTensor floats = converted(tensor, DType::kFloat32);
  const size_t before = logits.values.size(), count = positions * vocabulary;
  logits.values.resize(before + count);
  std::memcpy(logits.values.data() + before, floats.data.data(), count * sizeof(float));
}

}  // namespace

void check_causal(const OpenedModel& model, uint32_t greatest_id) {
  if (!info_called(model.inputs, "input_ids"))
    throw Error(ErrorCode::kUsage,
                "the model has no input 'input_ids'; the task language_model is for decoder-only models");
  const TensorInfo* logits = info_called(model.outputs, kLogits);
  if (!logits) throw Error(ErrorCode::kUsage, "the model has no output 'logits'");
  if (!logits->shape.empty() && logits->shape.back() >= 0 && logits->shape.back() <= int64_t{greatest_id}) {
    throw Error(ErrorCode::kUsage, "the model's logits are " + describe(*logits) + ", but the tokenizer gives token " +
                                       std::to_string(greatest_id) + "; is it the model's own?");
  }
  const std::vector<uint32_t> one = {0};
  for (const TensorInfo& info : model.inputs) {
    if (is_cache(info.name)) {
      empty_cache(info);
      if (!info_called(model.outputs, present_of(info.name)))
        throw Error(ErrorCode::kUsage,
                    "the model has no output '" + present_of(info.name) + "' for its cache '" + info.name + "'");
    } else if (info.name != "input_ids" && info.name != "attention_mask" && info.name != "position_ids") {
      input_of(info, one, 0);
    }
  }
}

bool has_caches(const OpenedModel& model) {
  return std::any_of(model.inputs.begin(), model.inputs.end(),
                     [](const TensorInfo& info) { return is_cache(info.name); });
}

std::vector<NamedTensor> CausalReader::feed_for(std::span<const uint32_t> ids) {
  std::vector<NamedTensor> feed;
  for (const TensorInfo& info : model_->opened.inputs) {
    if (!is_cache(info.name)) {
      feed.push_back({info.name, input_of(info, ids, past_)});
    } else if (past_ == 0) {
      feed.push_back({info.name, empty_cache(info)});
    } else {
      HostTensor* present = tensor_called(caches_, present_of(info.name));
      if (!present)
        throw Error(ErrorCode::kGate, "the model gave no '" + present_of(info.name) + "', which it wants back");
      feed.push_back({info.name, std::move(*present)});
    }
  }
  return feed;
}

Logits CausalReader::read(std::span<const uint32_t> ids, bool going_on) {
  const size_t width = has_caches(model_->opened) && tokens_per_run_ > 0 ? tokens_per_run_ : ids.size();
  Logits logits;
  for (size_t begin = 0; begin < ids.size(); begin += width) {
    const auto part = ids.subspan(begin, std::min(width, ids.size() - begin));
    const std::vector<NamedTensor> feed = feed_for(part);
    std::vector<std::string> wanted = {kLogits};
    for (const TensorInfo& info : model_->opened.inputs) {
      if (is_cache(info.name) && (going_on || begin + width < ids.size())) wanted.push_back(present_of(info.name));
    }
    caches_ = model_->worker->run(feed, wanted);
    past_ += part.size();
    if (model_->first_feed.empty()) model_->first_feed = feed;
    const HostTensor* found = tensor_called(caches_, kLogits);
    if (!found) throw Error(ErrorCode::kGate, "the model gave no logits");
    append(logits, *found, part.size(), greatest_id_);
  }
  return logits;
}

}  // namespace vetquant
