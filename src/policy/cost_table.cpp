#include "vetquant/policy/cost_table.h"

#include <algorithm>
#include <cmath>

namespace vetquant {
namespace {

struct Place {
  double at = 0;  // a logarithm
  double share = 1;
};

// Linear between neighbours, constant outside. `places` ascend and are not empty.
double between(const std::vector<Place>& places, double at) {
  const auto above =
      std::lower_bound(places.begin(), places.end(), at, [](const Place& place, double x) { return place.at < x; });
  if (above == places.begin()) return places.front().share;
  if (above == places.end()) return places.back().share;
  const Place &low = *(above - 1), &high = *above;
  return low.share + (high.share - low.share) * (at - low.at) / (high.at - low.at);
}

double log_of(double count) { return std::log(std::max(1.0, count)); }

double log_of_matrix(int64_t k, int64_t n) {
  return log_of(static_cast<double>(k)) + log_of(static_cast<double>(n));  // no product: hostile dims are large
}

double share_of_rows(const ProductCost& line, int64_t rows) {
  std::vector<Place> places;
  for (const ProductCost::Point& point : line.points)
    places.push_back({log_of(static_cast<double>(point.rows)), point.share});
  return between(places, log_of(static_cast<double>(rows)));
}

}  // namespace

std::optional<double> CostTable::share(const ProductForm& form, const ProductSize& size) const {
  std::vector<Place> places;
  for (const ProductCost& line : products) {
    if (line.form == form) places.push_back({log_of_matrix(line.k, line.n), share_of_rows(line, size.rows)});
  }
  if (places.empty()) return std::nullopt;
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.at < b.at; });
  // Matrices of one size, long and wide ones, count as their mean.
  std::vector<Place> merged;
  for (size_t i = 0; i < places.size();) {
    size_t end = i;
    double sum = 0;
    for (; end < places.size() && places[end].at - places[i].at < 1e-9; ++end) sum += places[end].share;
    merged.push_back({places[i].at, sum / static_cast<double>(end - i)});
    i = end;
  }
  return between(merged, log_of_matrix(size.k, size.n));
}

}  // namespace vetquant
