#include "html_sections.h"

#include <algorithm>

#include "figures.h"
#include "html_charts.h"
#include "html_table.h"
#include "text_table.h"
#include "vetquant/report/markup.h"

namespace vetquant {
namespace {

constexpr size_t kMostColumns = 3;  // of quality in the first table; all are in the differences
constexpr size_t kMostCharts = 3;

std::string plain_cell(const Metric* metric, double confidence) {
  if (!metric) return "";
  const Interval* interval = metric->value.at(confidence);
  return unit_value(metric->value.value, metric->unit) +
         small_html(interval ? interval_text(*interval, metric->unit) : "");
}

std::string cost_cell(const ModelResult& model, const char* key) {
  const Metric* metric = find_metric(model, key);
  if (!metric) return "";
  std::string note;
  if (metric->ratio && metric->unit == "B") note = fixed(100 * metric->ratio->value, 1) + " % of the baseline";
  if (metric->ratio && metric->unit == "ms") note = fixed(1 / metric->ratio->value, 2) + " times as fast";
  return unit_value(metric->value.value, metric->unit) + small_html(note);
}

std::string direction(const Metric& kind) {
  return kind.better == Better::kHigher ? "higher is better" : "lower is better";
}

void add_difference(HtmlTable& table, const Judgement& judgement, size_t m, const Metric& metric, double reach) {
  const double confidence = confidence_of(judgement);
  const Estimate& difference = *metric.difference;
  const Change change = change_of(difference, metric.better, confidence);
  const Interval* interval = difference.at(confidence);
  const std::string value = unit_change(difference.value, metric.unit);
  const std::string range =
      interval ? change_interval_text(*interval, metric.unit) : "no interval: " + difference.method;
  const std::string words = judgement.models[m].name + ": " + value + ", " + range + ", " + in_words(change);
  table.row({model_label(judgement, m), value + small_html(range),
             difference_svg(difference, change, confidence, reach, words), badge_html(change)});
}

// One metric: what each model has of it is told relative to the baseline.
std::string metric_html(const Judgement& judgement, const Metric& kind) {
  const double confidence = confidence_of(judgement);
  double reach = 0;
  for (const ModelResult& model : judgement.models) {
    const Metric* metric = same_kind(model, kind);
    if (metric && metric->difference) reach = std::max(reach, reach_of(*metric->difference, confidence));
  }
  HtmlTable table("", {{"model"}, {"change"}, {"interval"}, {"verdict"}});
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const Metric* metric = same_kind(judgement.models[m], kind);
    if (metric && metric->difference) add_difference(table, judgement, m, *metric, reach);
  }
  const std::string html = table.html();
  if (html.empty()) return "";
  return "<h3>" + escaped(title_of(kind)) + " <small>" + direction(kind) + "</small></h3>\n" + html;
}

// Metrics that say themselves how far a model is from the baseline (SQNR, agreement) have no difference.
std::string value_tables(const Judgement& judgement, const std::vector<const Metric*>& kinds) {
  std::string html;
  for (const Metric* kind : kinds) {
    HtmlTable table("", {{"model"}, {"value"}, {"how the interval was made"}});
    bool differs = false;
    for (size_t m = 0; m < judgement.models.size(); ++m) {
      const Metric* metric = same_kind(judgement.models[m], *kind);
      if (!metric) continue;
      differs = differs || metric->difference.has_value();
      table.row(
          {model_label(judgement, m), plain_cell(metric, confidence_of(judgement)), escaped(metric->value.method)});
    }
    if (!differs && !table.html().empty())
      html += "<h3>" + escaped(title_of(*kind)) + " <small>" + direction(*kind) + "</small></h3>\n" + table.html();
  }
  return html;
}

}  // namespace

std::string model_label(const Judgement& judgement, size_t model) {
  const bool is_baseline = model == judgement.baseline && judgement.models.size() > 1;
  return std::to_string(model + 1) + "&nbsp;" + name_html(judgement.models[model].name) +
         (is_baseline ? " <small>baseline</small>" : "");
}

std::string models_section(const Judgement& judgement) {
  std::vector<const Metric*> kinds = quality_kinds(judgement);
  kinds.resize(std::min(kinds.size(), kMostColumns));
  std::vector<HtmlTable::Column> columns = {{"model"}};
  for (const Metric* kind : kinds) columns.push_back({title_of(*kind), "n"});
  columns.insert(columns.end(), {{"size", "n"}, {"run time", "n"}, {"settled memory", "n"}});
  HtmlTable table("Intervals at " + compact(confidence_of(judgement)) + " % below the figures.", columns);
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const ModelResult& model = judgement.models[m];
    std::string label = model_label(judgement, m);
    if (!model.failure.empty())
      label += "<div><span class=\"badge bad\">✗ could not be judged</span></div>" + small_html(model.failure);
    std::vector<std::string> cells = {label};
    for (const Metric* kind : kinds) cells.push_back(plain_cell(same_kind(model, *kind), confidence_of(judgement)));
    for (const char* key : {"file_bytes", "latency_ms", "settled_bytes"}) cells.push_back(cost_cell(model, key));
    table.row(cells);
  }
  return section_html("Models", table.html());
}

std::string gates_section(const Judgement& judgement, const std::vector<GateResult>& gates) {
  HtmlTable table("", {{"gate"}, {"model"}, {"result"}, {"why"}});
  std::vector<const GateResult*> sorted;
  for (const GateResult& gate : gates) sorted.push_back(&gate);
  std::stable_partition(sorted.begin(), sorted.end(), [](const GateResult* gate) { return !gate->passed; });
  for (const GateResult* gate : sorted) {
    table.row(
        {"<code>" + name_html(gate->gate.text) + "</code>", model_label(judgement, gate->model),
         gate->passed ? "<span class=\"badge good\">✓ passed</span>" : "<span class=\"badge bad\">✗ FAILED</span>",
         escaped(gate->reason)});
  }
  return section_html("Gates", table.html());
}

std::string scatter_section(const Judgement& judgement) {
  std::string charts;
  size_t shown = 0;
  for (const Metric* kind : quality_kinds(judgement)) {
    const std::string svg = scatter_svg(judgement, *kind);
    if (svg.empty() || shown == kMostCharts) continue;
    ++shown;
    charts += "<figure><figcaption>" + escaped(title_of(*kind)) + " <small>" + direction(*kind) +
              "</small></figcaption>\n" + svg + "</figure>\n";
  }
  if (charts.empty()) return "";
  std::string legend = "<ol class=\"legend\">\n";
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    legend += "<li>" + name_html(judgement.models[m].name) +
              (m == judgement.baseline ? " <small>baseline, drawn as a ring</small>" : "") + "</li>\n";
  }
  return section_html("Accuracy against size", "<div class=\"charts\">\n" + charts + "</div>\n" + legend + "</ol>\n");
}

std::string differences_section(const Judgement& judgement) {
  const std::vector<const Metric*> quality = quality_kinds(judgement);
  std::string html;
  for (const Metric* kind : quality) html += metric_html(judgement, *kind);
  html += value_tables(judgement, quality);
  std::string costs;
  for (const Metric* kind : cost_kinds(judgement)) costs += metric_html(judgement, *kind);
  if (html.empty() && costs.empty()) return "";
  const std::string intro = "<p class=\"soft\">To the baseline, on the same " + escaped(judgement.unit) +
                            "s. Better or worse is said where the whole interval lies on one side of zero.</p>\n";
  return section_html("Differences", intro + html + details_html("Size, time and memory", costs));
}

}  // namespace vetquant
