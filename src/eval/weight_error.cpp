#include "vetquant/eval/weight_error.h"

#include <algorithm>
#include <cmath>

#include "dequantize.h"
#include "vetquant/eval/closeness.h"
#include "vetquant/eval/statistics.h"

namespace vetquant {
namespace {

// "fc1.weight_codes" and "fc1.weight_codes_1" (a name that two scopes share) are both codes of fc1.weight.
std::optional<std::string> base_of(std::string name, const std::string& suffix, std::string& number) {
  number.clear();
  const size_t digits = name.find_last_not_of("0123456789");
  if (digits != std::string::npos && name[digits] == '_' && digits + 1 < name.size()) {
    const std::string shorter = name.substr(0, digits);
    if (shorter.ends_with(suffix)) {
      number = name.substr(digits);
      name = shorter;
    }
  }
  if (!name.ends_with(suffix) || name.size() == suffix.size()) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

struct Side {
  explicit Side(const std::filesystem::path& path)
      : model(Model::load(path)), index(model->skeleton()), constants(*model, index, OverridableValues::kConstant) {}
  std::shared_ptr<const Model> model;
  GraphIndex index;
  ConstantFinder constants;
};

class Comparer {
 public:
  Comparer(const Side& plain, const Side& quantized) : plain_(plain), quantized_(quantized) {}

  void compare(ValueId value, WeightComparison& result) const {
    const ValueInfo& info = quantized_.index.value(value);
    if (info.kind != ValueKind::kInitializer) return;
    std::string number;
    for (const char* suffix : {"_codes", "_fp16", "_bf16"}) {
      const auto base = base_of(info.name, suffix, number);
      if (!base) continue;
      const auto weight = float_weight(info.scope, *base);
      if (!weight) {
        result.unmatched.push_back(info.name + ": the float model has no constant '" + *base + "'");
        return;
      }
      const auto stored =
          suffix == std::string("_codes") ? dequantized(value, *base, number, weight->shape()) : halves(value);
      if (!stored || !add(*base, *weight, *stored, result)) {
        result.unmatched.push_back(info.name + ": its layout does not fit '" + *base + "' of the float model");
      }
      return;
    }
  }

 private:
  std::optional<TensorView> float_weight(ScopeId scope, const std::string& name) const {
    const std::string& path = quantized_.index.scope(scope).path;
    for (size_t s = 0; s < plain_.index.scopes().size(); ++s) {
      if (plain_.index.scopes()[s].path != path) continue;
      const ValueId found = plain_.index.lookup(ScopeId{static_cast<int32_t>(s)}, name);
      if (!found.valid()) break;
      if (auto view = plain_.constants.find(found)) return view;
    }
    // Codes may have moved to an outer scope.
    for (size_t v = 0; v < plain_.index.values().size(); ++v) {
      if (plain_.index.values()[v].name != name) continue;
      if (auto view = plain_.constants.find(ValueId{static_cast<int32_t>(v)})) return view;
    }
    return std::nullopt;
  }

  std::optional<StoredWeight> dequantized(ValueId codes, const std::string& base, const std::string& number,
                                          const Shape& weight) const {
    const ScopeId scope = quantized_.index.value(codes).scope;
    const CodeParts parts{codes, quantized_.index.lookup(scope, base + "_scale" + number),
                          quantized_.index.lookup(scope, base + "_zero_point" + number)};
    if (!parts.scale.valid()) return std::nullopt;
    return Dequantizer(quantized_.index, quantized_.constants).values_of(parts, weight);
  }

  std::optional<StoredWeight> halves(ValueId value) const {
    const auto view = quantized_.constants.find(value);
    if (!view || !is_float(view->dtype())) return std::nullopt;
    StoredWeight stored{view->shape(), std::vector<float>(view->elements()), std::string(name_of(view->dtype()))};
    read_floats(*view, Box::whole(*view), stored.values);
    return stored;
  }

  static Closeness closeness(const TensorView& weight, const std::vector<float>& values, double& largest) {
    std::vector<float> plain(weight.elements());
    read_floats(weight, Box::whole(weight), plain);
    Closeness sum;
    Sum signal, noise, error;
    for (size_t i = 0; i < plain.size(); ++i) {
      const double w = plain[i], d = static_cast<double>(values[i]) - w;
      signal.add(w * w);
      noise.add(d * d);
      error.add(std::abs(d));
      sum.error_max = std::max(sum.error_max, std::abs(d));
      largest = std::max(largest, std::abs(w));
    }
    sum.signal = signal.value();
    sum.noise = noise.value();
    sum.error_sum = error.value();
    sum.elements = plain.size();
    return sum;
  }

  // The stored orientation may be the transposed one; of a square matrix the closer one is meant (the other is far off).
  static bool add(const std::string& name, const TensorView& weight, const StoredWeight& stored,
                  WeightComparison& result) {
    std::vector<TensorView> views;
    if (weight.shape() == stored.shape) views.push_back(weight);
    const size_t rank = weight.shape().size();
    if (rank >= 2) {
      std::vector<int64_t> swapped(rank);
      for (size_t d = 0; d < rank; ++d) swapped[d] = static_cast<int64_t>(d);
      std::swap(swapped[rank - 1], swapped[rank - 2]);
      const TensorView transposed = weight.transposed(swapped);
      if (transposed.shape() == stored.shape) views.push_back(transposed);
    }
    if (views.empty()) return false;
    WeightError error;
    bool first = true;
    for (const TensorView& view : views) {
      double largest = 0;
      const Closeness found = closeness(view, stored.values, largest);
      if (!first && found.sqnr_db() <= error.sqnr_db) continue;
      first = false;
      error = {
          name,   stored.form, weight.shape(), found.elements, found.sqnr_db(), found.error_max, found.mean_error(),
          largest};
    }
    result.weights.push_back(std::move(error));
    return true;
  }

  const Side& plain_;
  const Side& quantized_;
};

}  // namespace

WeightComparison compare_weights(const std::filesystem::path& float_model, const std::filesystem::path& quantized,
                                 const ProgressSink& progress) {
  const Side plain(float_model), small(quantized);
  const Comparer comparer(plain, small);
  WeightComparison result;
  const size_t count = small.index.values().size();
  for (size_t v = 0; v < count; ++v) {
    comparer.compare(ValueId{static_cast<int32_t>(v)}, result);
    if (progress) progress({"weights", v + 1, count, "values"});
  }
  return result;
}

}  // namespace vetquant
