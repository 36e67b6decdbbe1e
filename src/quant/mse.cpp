// Clipping search: the range is shrunk step by step, and the one with the least squared error is taken (the idea of OMSE,
// Choukroun et al. 2019). Coarse steps first, then fine ones around the best. The search counts errors cheaply; its winner
// is then judged exactly against the whole range, so the result is never worse than rtn. Blocks are searched many at a time
// (short_search.h), where the winner must be better by more than the cheap count can be wrong.
#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "builtin.h"
#include "fit.h"
#include "kernels.h"
#include "short_search.h"

namespace vetquant {
namespace {

constexpr double kCoarse[] = {1, 0.92, 0.84, 0.76, 0.68, 0.60, 0.52, 0.44, 0.36};
// Beyond 1 too: a slightly wider grid may fit the values better than one that just reaches the largest.
constexpr double kFine[] = {-0.06, -0.04, -0.02, 0.02, 0.04, 0.06};
constexpr size_t kMost = std::max(std::size(kCoarse), std::size(kFine));

// Runs over the values of a group in pieces of which all but the last are whole kErrorTiles; may be called again.
using Pieces = std::function<void(const std::function<void(std::span<const float>)>&)>;

class Search {
 public:
  Search(const QuantSpec& spec, Range range, ScaleAndZero whole)
      : spec_(spec), rule_(spec), range_(range), whole_(whole), best_(whole) {}

  void coarse(const Pieces& pieces) { try_all(kCoarse, 0, pieces); }
  void fine(const Pieces& pieces) { try_all(kFine, best_keep_, pieces); }

  ScaleAndZero judged(const Pieces& pieces) const {
    if (best_.scale == whole_.scale && best_.zero_point == whole_.zero_point) return whole_;
    kernels::ErrorLanes best, whole;
    pieces([&](std::span<const float> values) {
      kernels::exact_error(rule_, values.data(), values.size(), best_.scale, best_.zero_point, best);
      kernels::exact_error(rule_, values.data(), values.size(), whole_.scale, whole_.zero_point, whole);
    });
    return best.sum() < whole.sum() ? best_ : whole_;
  }

 private:
  void try_all(std::span<const double> keeps, double base, const Pieces& pieces) {
    std::array<float, kMost> scale, zero_point;
    std::array<double, kMost> errors{};
    for (size_t i = 0; i < keeps.size(); ++i) {
      const ScaleAndZero candidate = fit_shrunk(spec_, range_, whole_, base + keeps[i]);
      scale[i] = candidate.scale;
      zero_point[i] = candidate.zero_point;
    }
    pieces([&](std::span<const float> values) {
      kernels::search_errors(rule_, values.data(), values.size(), scale.data(), zero_point.data(), keeps.size(),
                             errors.data());
    });
    for (size_t i = 0; i < keeps.size(); ++i) {
      const double error = errors[i] * (double{scale[i]} * double{scale[i]});
      if (!(error < least_)) continue;
      least_ = error;
      best_keep_ = base + keeps[i];
      best_ = {scale[i], zero_point[i]};
    }
  }

  const QuantSpec& spec_;
  kernels::CodeRule rule_;
  Range range_;
  ScaleAndZero whole_, best_;
  double best_keep_ = 1, least_ = std::numeric_limits<double>::infinity();
};

// Cuts a replayed group into whole tiles, whatever the pieces it comes in: the sums must not depend on those.
void replay_tiles(const ReplayValues& replay, const std::function<void(std::span<const float>)>& fn) {
  std::vector<float> rest;
  replay([&](std::span<const float> piece) {
    if (!rest.empty()) {
      const size_t taken = std::min(piece.size(), kernels::kErrorTile - rest.size());
      rest.insert(rest.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(taken));
      piece = piece.subspan(taken);
      if (rest.size() < kernels::kErrorTile) return;
      fn(rest);
      rest.clear();
    }
    const size_t whole = piece.size() / kernels::kErrorTile * kernels::kErrorTile;
    if (whole > 0) fn(piece.first(whole));
    rest.assign(piece.begin() + static_cast<std::ptrdiff_t>(whole), piece.end());
  });
  if (!rest.empty()) fn(rest);
}

// The values of a group that is short, else none.
std::vector<float> short_group(const ReplayValues& replay) {
  constexpr size_t kLongest = static_cast<size_t>(kLongestShortGroup);
  std::vector<float> values;
  size_t count = 0;
  replay([&](std::span<const float> piece) {
    count += piece.size();
    if (count <= kLongest) values.insert(values.end(), piece.begin(), piece.end());
  });
  return count <= kLongest ? values : std::vector<float>{};
}

bool is_trivial(Range range) { return range.least == 0 && range.largest == 0; }

class Mse : public Algorithm {
 public:
  std::string_view name() const override { return "mse"; }

  void fit(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
           std::span<float> zero_point) const override {
    if (searches_short(spec, length)) return fit_short(spec, values, length, scale, zero_point);
    const size_t run = static_cast<size_t>(length);
    for_each_range(values, length, [&](size_t group, Range range) {
      const ScaleAndZero found = fit_one(spec, values.subspan(group * run, run), range, group);
      scale[group] = found.scale;
      zero_point[group] = found.zero_point;
    });
  }

  void fit_streamed(const QuantSpec& spec, const ReplayValues& replay, float& scale, float& zero_point) const override {
    // What is short is searched like all that is short, so that it does not show how a group came.
    if (const std::vector<float> values = short_group(replay); !values.empty()) {
      return fit(spec, values, static_cast<int64_t>(values.size()), {&scale, 1}, {&zero_point, 1});
    }
    const Range range = range_of(replay);
    const ScaleAndZero whole = fit_range(spec, range);
    check_scale(whole.scale, 0);
    const ScaleAndZero found = search(spec, range, whole, [&](const auto& piece) { replay_tiles(replay, piece); });
    scale = found.scale;
    zero_point = found.zero_point;
  }

 private:
  static void fit_short(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                        std::span<float> zero_point) {
    fit_groups(spec, values, length, scale, zero_point);
    std::vector<size_t> others;
    for (size_t group = 0; group < scale.size(); ++group) {
      if (!is_ordinary(spec, scale[group])) others.push_back(group);
    }
    search_short(spec, values, length, scale, zero_point);
    const size_t run = static_cast<size_t>(length);
    for (const size_t group : others) {
      const auto own = values.subspan(group * run, run);
      for_each_range(own, length, [&](size_t, Range range) { scale[group] = fit_one(spec, own, range, group).scale; });
    }
  }

  static ScaleAndZero fit_one(const QuantSpec& spec, std::span<const float> values, Range range, size_t group) {
    const ScaleAndZero whole = fit_range(spec, range);
    check_scale(whole.scale, group);
    return search(spec, range, whole, [values](const auto& piece) { piece(values); });
  }

  static ScaleAndZero search(const QuantSpec& spec, Range range, ScaleAndZero whole, const Pieces& pieces) {
    if (is_trivial(range)) return whole;
    Search found(spec, range, whole);
    found.coarse(pieces);
    found.fine(pieces);
    return found.judged(pieces);
  }
};

}  // namespace

std::shared_ptr<const Algorithm> make_mse() { return std::make_shared<Mse>(); }

}  // namespace vetquant
