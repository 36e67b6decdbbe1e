// Round to nearest: the range of a group is that of its values. Fast, data-free; the baseline every other algorithm must beat.
#include "builtin.h"
#include "fit.h"

namespace vetquant {
namespace {

class Rtn : public Algorithm {
 public:
  std::string_view name() const override { return "rtn"; }

  void fit(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
           std::span<float> zero_point) const override {
    for (size_t group = 0; group < scale.size(); ++group) {
      Extremes extremes;
      extremes.add(values.subspan(group * static_cast<size_t>(length), static_cast<size_t>(length)));
      if (!extremes.finite()) fail_not_finite(group);
      const ScaleAndZero found = scale_for(spec, extremes.min, extremes.max);
      scale[group] = found.scale;
      zero_point[group] = found.zero_point;
    }
  }

  void fit_streamed(const QuantSpec& spec, const ReplayValues& replay, float& scale, float& zero_point) const override {
    Extremes extremes;
    replay([&](std::span<const float> piece) { extremes.add(piece); });
    if (!extremes.finite()) fail_not_finite(0);
    const ScaleAndZero found = scale_for(spec, extremes.min, extremes.max);
    scale = found.scale;
    zero_point = found.zero_point;
  }
};

}  // namespace

std::shared_ptr<const Algorithm> make_rtn() { return std::make_shared<Rtn>(); }

}  // namespace vetquant
