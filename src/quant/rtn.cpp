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
    fit_groups(spec, values, length, scale, zero_point);
  }

  bool fits_ranges() const override { return true; }

  void fit_ranges(const QuantSpec& spec, std::span<const float> least, std::span<const float> largest,
                  std::span<float> scale, std::span<float> zero_point) const override {
    vetquant::fit_ranges(spec, least, largest, scale, zero_point);
  }

  void fit_streamed(const QuantSpec& spec, const ReplayValues& replay, float& scale, float& zero_point) const override {
    const ScaleAndZero found = fit_range(spec, range_of(replay));
    check_scale(found.scale, 0);
    scale = found.scale;
    zero_point = found.zero_point;
  }
};

}  // namespace

std::shared_ptr<const Algorithm> make_rtn() { return std::make_shared<Rtn>(); }

}  // namespace vetquant
