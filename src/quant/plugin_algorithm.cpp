// Algorithms of plug-ins behind the interface of the built-in ones: nothing that they return is believed.
#include <algorithm>
#include <cmath>

#include "fit.h"
#include "plugin_process.h"
#include "vetquant/core/error.h"
#include "vetquant/core/half.h"
#include "vetquant/core/text.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant {
namespace {

vetquant_quant_spec c_spec(const QuantSpec& spec) {
  vetquant_quant_spec out = {};
  out.size = sizeof out;
  out.bits = bits_of(spec.code_type);
  out.is_signed = spec.code_type == DType::kInt8 || spec.code_type == DType::kInt4 ? 1 : 0;
  out.symmetric = spec.symmetry == Symmetry::kSymmetric ? 1 : 0;
  out.float_zero_point = spec.zero_point == ZeroPointKind::kFloat && out.symmetric == 0 ? 1 : 0;
  out.half_scale = spec.scale_type == ScaleType::kFloat16 ? 1 : 0;
  out.code_min = code_min(spec);
  out.code_max = code_max(spec);
  out.symmetric_zero_point = symmetric_zero_point(spec);
  return out;
}

std::string shown(float value) {
  std::string text = std::to_string(value);
  return text.find('.') == std::string::npos ? text : text.substr(0, text.find_last_not_of('0') + 1);
}

class PluginAlgorithm : public Algorithm {
 public:
  PluginAlgorithm(std::shared_ptr<PluginProcess> process, size_t index) : process_(std::move(process)), index_(index) {}
  std::string_view name() const override { return process_->algorithms()[index_]; }
  bool separable() const override { return false; }

  void fit(const QuantSpec&, std::span<const float>, int64_t, std::span<float>, std::span<float>) const override {
    throw Error(ErrorCode::kInternal, "algorithm '" + std::string(name()) + "' gives scales and codes together only");
  }

  void quantize(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                std::span<float> zero_point, std::span<uint8_t> codes) const override {
    if (scale.empty()) return;
    check_finite(values, length);
    PluginCall call;
    call.spec = c_spec(spec);
    call.algorithm = static_cast<uint32_t>(index_);
    call.groups = static_cast<int64_t>(scale.size());
    call.length = length;
    process_->call(call, values, scale, zero_point, codes);
    for (size_t group = 0; group < scale.size(); ++group) {
      check_parameters(call.spec, group, scale[group], zero_point[group]);
      check_codes(call.spec, group, codes.subspan(group * static_cast<size_t>(length), static_cast<size_t>(length)));
    }
  }

 private:
  [[noreturn]] void fail(size_t group, const std::string& what) const {
    throw Error(ErrorCode::kUnsupported,
                "algorithm '" + std::string(name()) + "' returned " + what + " for group " + std::to_string(group),
                "plug-in " + process_->path());
  }

  void check_parameters(const vetquant_quant_spec& spec, size_t group, float scale, float zero) const {
    if (!std::isfinite(scale) || !(scale > 0))
      fail(group, "the scale " + shown(scale) + ", which is not finite and positive,");
    if (spec.half_scale != 0 && half_to_float(float_to_half(scale)) != scale) {
      fail(group, "the scale " + shown(scale) + ", which is no half float,");
    }
    if (!std::isfinite(zero)) fail(group, "the zero point " + shown(zero) + ", which is not finite,");
    if (spec.symmetric != 0 && zero != static_cast<float>(spec.symmetric_zero_point)) {
      fail(group, "the zero point " + shown(zero) + " where the symmetric one is " +
                      std::to_string(spec.symmetric_zero_point));
    }
    const bool within = zero >= static_cast<float>(spec.code_min) && zero <= static_cast<float>(spec.code_max);
    if (spec.float_zero_point == 0 && (!within || zero != std::nearbyint(zero))) {
      fail(group, "the zero point " + shown(zero) + ", which is no code,");
    }
  }

  void check_codes(const vetquant_quant_spec& spec, size_t group, std::span<const uint8_t> codes) const {
    for (const uint8_t byte : codes) {
      int code = byte;
      if (spec.is_signed != 0 && spec.bits == 8) code = static_cast<int8_t>(byte);
      if (spec.is_signed != 0 && spec.bits == 4 && byte < 16) code = byte - ((byte & 8) << 1);
      if (code < spec.code_min || code > spec.code_max || (spec.bits == 4 && byte > 15)) {
        fail(group, "the code " + std::to_string(code) + ", which is not within " + std::to_string(spec.code_min) +
                        "..." + std::to_string(spec.code_max) + ",");
      }
    }
  }

  std::shared_ptr<PluginProcess> process_;
  size_t index_;
};

bool good_name(const std::string& name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), good);
}

}  // namespace

void AlgorithmSet::load_plugin(const std::string& path) {
  const std::shared_ptr<PluginProcess> process = PluginProcess::load(path);
  std::vector<std::shared_ptr<const Algorithm>> all = algorithms_;
  for (size_t i = 0; i < process->algorithms().size(); ++i) {
    const std::string& name = process->algorithms()[i];
    const std::string where = "plug-in " + process->path();
    if (!good_name(name)) {
      throw Error(ErrorCode::kUnsupported, "algorithm name '" + name + "' is not 1 to 63 of a-z, 0-9, '_' and '-'",
                  where);
    }
    if (std::any_of(all.begin(), all.end(), [&](const auto& other) { return other->name() == name; })) {
      throw Error(ErrorCode::kUnsupported, "algorithm name '" + name + "' is taken; rename it in the plug-in", where);
    }
    all.push_back(std::make_shared<PluginAlgorithm>(process, i));
  }
  algorithms_ = std::move(all);
}

}  // namespace vetquant
