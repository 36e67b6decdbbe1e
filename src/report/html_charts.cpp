#include "html_charts.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "html_table.h"
#include "vetquant/report/markup.h"

namespace vetquant {
namespace {

constexpr double kWidth = 420, kHeight = 280, kLeft = 56, kRight = 16, kTop = 14, kBottom = 42;

struct Point {
  size_t model = 0;
  double bytes = 0, value = 0;
  std::optional<Interval> interval;
};

struct Axis {
  double low = 0, high = 1, from = 0, to = 1;
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

std::vector<Point> points_of(const Judgement& judgement, const Metric& kind) {
  std::vector<Point> points;
  const double confidence = confidence_of(judgement);
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const Metric* metric = same_kind(judgement.models[m], kind);
    const Metric* size = find_metric(judgement.models[m], "file_bytes");
    if (!metric || !size || !std::isfinite(metric->value.value)) continue;
    Point point{m, size->value.value, metric->value.value, std::nullopt};
    const Interval* interval = metric->value.at(confidence);
    if (interval && std::isfinite(interval->low) && std::isfinite(interval->high)) point.interval = *interval;
    points.push_back(point);
  }
  return points;
}

Axis value_axis(const std::vector<Point>& points) {
  double low = points[0].value, high = points[0].value;
  for (const Point& point : points) {
    low = std::min({low, point.value, point.interval ? point.interval->low : point.value});
    high = std::max({high, point.value, point.interval ? point.interval->high : point.value});
  }
  const double room = high > low ? 0.08 * (high - low) : std::max(1e-9, 0.05 * std::abs(high));
  return {low - room, high + room, kHeight - kBottom, kTop};
}

std::string line(double x1, double y1, double x2, double y2, const char* style, const char* width = "1") {
  return "<line x1=\"" + attribute_number(x1) + "\" y1=\"" + attribute_number(y1) + "\" x2=\"" + attribute_number(x2) +
         "\" y2=\"" + attribute_number(y2) + "\" class=\"" + style + "\" stroke-width=\"" + width + "\"/>";
}

std::string text(double x, double y, const char* anchor, const std::string& words, const char* style = "") {
  return "<text x=\"" + attribute_number(x) + "\" y=\"" + attribute_number(y) + "\" text-anchor=\"" + anchor +
         "\" class=\"" + style + "\">" + escaped(words) + "</text>";
}

std::string axes(const Axis& x, const Axis& y, const std::string& unit) {
  std::string svg;
  for (const double tick : ticks_of(y.low, y.high, 5)) {
    svg += line(kLeft, y.at(tick), kWidth - kRight, y.at(tick), "grid");
    char number[32];
    std::snprintf(number, sizeof number, "%.5g", tick);
    svg += text(kLeft - 6, y.at(tick) + 4, "end", number);
  }
  for (const double tick : ticks_of(x.low, x.high, 4)) {
    svg += line(x.at(tick), kHeight - kBottom, x.at(tick), kHeight - kBottom + 5, "axis");
    svg += text(x.at(tick), kHeight - kBottom + 18, "middle", tick == 0 ? "0" : unit_value(tick, "B"));
  }
  svg += line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "axis");
  svg += text(kWidth - kRight, kHeight - 6, "end", "size of the model", "soft");
  return svg + text(6, kHeight - 6, "start", unit, "soft");
}

struct Spot {
  double x = 0, y = 0;
};

// A place for a label: the first around the point that is far from all other points and labels.
Spot place_of(const Spot& point, const std::vector<Spot>& taken) {
  constexpr double kNear = 13;
  constexpr Spot kAround[] = {{12, -6}, {-12, -6}, {12, 15}, {-12, 15}, {24, -6}, {-24, -6}, {24, 15}, {-24, 15}};
  for (const Spot& step : kAround) {
    const Spot place{point.x + step.x, point.y + step.y};
    const bool inside = place.x > kLeft + 8 && place.x < kWidth - 8 && place.y > 12 && place.y < kHeight - kBottom - 2;
    const bool is_free = std::none_of(taken.begin(), taken.end(), [&](const Spot& other) {
      return std::hypot(other.x - place.x, other.y - (place.y - 4)) < kNear;
    });
    if (inside && is_free) return place;
  }
  return {point.x + kAround[0].x, point.y + kAround[0].y};
}

std::string marks(const std::vector<Point>& points, size_t baseline, const Axis& x, const Axis& y) {
  std::string svg;
  std::vector<Spot> taken;
  for (const Point& point : points) taken.push_back({x.at(point.bytes), y.at(point.value)});
  for (const Point& point : points) {
    const Spot at{x.at(point.bytes), y.at(point.value)};
    if (point.interval) {
      const double low = y.at(point.interval->low), high = y.at(point.interval->high);
      svg += line(at.x, low, at.x, high, "mark", "1.5") + line(at.x - 4, low, at.x + 4, low, "mark", "1.5") +
             line(at.x - 4, high, at.x + 4, high, "mark", "1.5");
    }
    svg += "<circle cx=\"" + attribute_number(at.x) + "\" cy=\"" + attribute_number(at.y) + "\" r=\"4.5\" class=\"" +
           (point.model == baseline ? "base" : "mark") + "\" stroke-width=\"2\"/>";
    const Spot label = place_of(at, taken);
    svg += text(label.x, label.y, "middle", std::to_string(point.model + 1));
    taken.push_back({label.x, label.y - 4});
  }
  return svg;
}

std::string description(const Judgement& judgement, const Metric& kind, const std::vector<Point>& points) {
  std::string words = title_of(kind) + " against size: ";
  for (const Point& point : points) {
    words += judgement.models[point.model].name + " " + unit_value(point.value, kind.unit);
    if (point.interval) words += " (" + interval_text(*point.interval, kind.unit) + ")";
    words += " at " + unit_value(point.bytes, "B") + (&point == &points.back() ? "." : "; ");
  }
  return words;
}

double worst_ratio(const std::vector<double>& row, double side) {
  double sum = 0, worst = 0;
  for (const double area : row) sum += area;
  const double thickness = sum / side;
  for (const double area : row) {
    const double length = area / thickness;
    worst = std::max({worst, length / thickness, thickness / length});
  }
  return worst;
}

}  // namespace

std::vector<double> ticks_of(double low, double high, int most) {
  const double span = high - low;
  if (!(span > 0) || !std::isfinite(span) || most < 1) return {};
  const double rough = span / most, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double round : {1.0, 2.0, 2.5, 5.0}) {
    if (round * power >= rough) {
      step = round * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double n = std::ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; ++n)
    ticks.push_back(n == 0 ? 0 : n * step);
  return ticks;
}

std::string scatter_svg(const Judgement& judgement, const Metric& kind) {
  const std::vector<Point> points = points_of(judgement, kind);
  if (points.size() < 2) return "";
  double largest = 0;
  for (const Point& point : points) largest = std::max(largest, point.bytes);
  const Axis x{0, largest > 0 ? 1.08 * largest : 1, kLeft, kWidth - kRight}, y = value_axis(points);
  return "<svg viewBox=\"0 0 420 280\" role=\"img\" aria-label=\"" + escaped(description(judgement, kind, points)) +
         "\">\n" + axes(x, y, kind.unit) + "\n" + marks(points, judgement.baseline, x, y) + "\n</svg>\n";
}

double reach_of(const Estimate& difference, double confidence_pct) {
  double reach = std::isfinite(difference.value) ? std::abs(difference.value) : 0;
  if (const Interval* interval = difference.at(confidence_pct)) {
    for (const double bound : {interval->low, interval->high}) {
      if (std::isfinite(bound)) reach = std::max(reach, std::abs(bound));
    }
  }
  return reach;
}

std::string difference_svg(const Estimate& difference, Change change, double confidence_pct, double reach,
                           const std::string& description) {
  constexpr double kHalf = 100;
  const auto at = [&](double value) { return kHalf + (reach > 0 ? value / reach * (kHalf - 8) : 0); };
  const char* style = change == Change::kBetter ? "good" : change == Change::kWorse ? "bad" : "noise";
  std::string svg = "<svg viewBox=\"0 0 200 24\" role=\"img\" aria-label=\"" + escaped(description) + "\">" +
                    line(kHalf, 1, kHalf, 23, "axis");
  const Interval* interval = difference.at(confidence_pct);
  if (interval && std::isfinite(interval->low) && std::isfinite(interval->high)) {
    svg += line(at(interval->low), 12, at(interval->high), 12, style, "3") +
           line(at(interval->low), 7, at(interval->low), 17, style, "2") +
           line(at(interval->high), 7, at(interval->high), 17, style, "2");
  }
  if (std::isfinite(difference.value)) {
    svg += "<circle cx=\"" + attribute_number(at(difference.value)) + "\" cy=\"12\" r=\"5\" class=\"" + style + "\"/>";
  }
  return svg + "</svg>";
}

std::vector<Tile> treemap(const std::vector<double>& shares, double aspect) {
  double total = 0;
  for (const double share : shares) total += share;
  if (!(total > 0)) return std::vector<Tile>(shares.size());
  Tile rest{0, 0, 100 * aspect, 100};
  const double scale = rest.width * rest.height / total;
  std::vector<Tile> tiles;
  for (size_t first = 0; first < shares.size();) {
    const double side = std::max(std::min(rest.width, rest.height), 1e-6);  // what rounding left of the last one
    std::vector<double> row = {shares[first] * scale};
    while (first + row.size() < shares.size()) {
      std::vector<double> longer = row;
      longer.push_back(shares[first + row.size()] * scale);
      if (worst_ratio(longer, side) > worst_ratio(row, side)) break;
      row = std::move(longer);
    }
    double sum = 0, along = 0;
    for (const double area : row) sum += area;
    const double thickness = sum / side;
    const bool column = rest.width >= rest.height;
    for (const double area : row) {
      const double length = area / thickness;
      const Tile tile = column ? Tile{rest.left, rest.top + along, thickness, length}
                               : Tile{rest.left + along, rest.top, length, thickness};
      tiles.push_back({tile.left / aspect, tile.top, tile.width / aspect, tile.height});
      along += length;
    }
    (column ? rest.left : rest.top) += thickness;
    (column ? rest.width : rest.height) -= thickness;
    first += row.size();
  }
  return tiles;
}

}  // namespace vetquant
