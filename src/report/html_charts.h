// Charts as inline SVG. Every figure in them stands in a table, too; the charts' text alternatives say what they show.
#pragma once

#include <string>

#include "figures.h"

namespace vetquant {

// One metric against the models' size; a point is labelled with the model's place in the report (1, 2, ...), a bar is its
// interval. Empty where fewer than two models have the metric.
std::string scatter_svg(const Judgement& judgement, const Metric& kind);

// A difference and its interval around zero; all of one metric share `reach`, the largest absolute bound.
std::string difference_svg(const Estimate& difference, Change change, double confidence_pct, double reach,
                           const std::string& description);
double reach_of(const Estimate& difference, double confidence_pct);

// About `most` round numbers that lie within [low, high].
std::vector<double> ticks_of(double low, double high, int most);

// Where things lie when areas are as large as their shares (Bruls, Huizing and van Wijk 2000), in percent of the whole.
struct Tile {
  double left = 0, top = 0, width = 0, height = 0;
};
// `shares` largest first, all positive; `aspect` is the width of the whole over its height.
std::vector<Tile> treemap(const std::vector<double>& shares, double aspect);

}  // namespace vetquant
