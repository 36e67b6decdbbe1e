#include "vetquant/report/comparison_report.h"

#include <algorithm>

#include "text_table.h"
#include "vetquant/core/text.h"
#include "vetquant/report/judgement_report.h"

namespace vetquant {
namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text.empty() ? "scalar" : text;
}

std::string weights_text(const WeightComparison& weights, size_t most) {
  if (weights.weights.empty() && weights.unmatched.empty()) {
    return wrapped(
               "No weight that vetquant quantized was recognised in the second model; its outputs can be compared all "
               "the same.",
               "  ") +
           "\n";
  }
  std::vector<const WeightError*> sorted;
  for (const WeightError& weight : weights.weights) sorted.push_back(&weight);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const WeightError* a, const WeightError* b) { return a->sqnr_db < b->sqnr_db; });
  const size_t shown = most == 0 ? sorted.size() : std::min(most, sorted.size());
  TextTable table({{"weight", Align::kLeft},
                   {"stored", Align::kLeft},
                   {"shape", Align::kLeft},
                   {"SQNR dB"},
                   {"max error"},
                   {"max weight"}});
  for (size_t i = 0; i < shown; ++i) {
    const WeightError& weight = *sorted[i];
    table.row({printable(weight.name), weight.form, shape_text(weight.shape),
               weight.sqnr_db >= 200 ? "equal" : fixed(weight.sqnr_db, 1), compact(weight.error_max),
               compact(weight.weight_max)});
  }
  std::string text = table.text();
  if (shown < sorted.size())
    text += "  and " + std::to_string(sorted.size() - shown) + " weights that are closer (-v shows all)\n";
  for (const std::string& line : weights.unmatched) text += wrapped("not compared: " + printable(line), "  ");
  return text + "\n";
}

}  // namespace

std::string comparison_text(const Comparison& comparison, size_t most_weights) {
  std::string text = weights_text(comparison.weights, most_weights);
  if (comparison.outputs) text += judgement_text(*comparison.outputs, {});
  return text;
}

nlohmann::ordered_json comparison_json(const Comparison& comparison) {
  nlohmann::ordered_json json = {
      {"schema", "vetquant.compare/1"}, {"float", comparison.float_model}, {"quantized", comparison.quantized}};
  json["weights"] = nlohmann::ordered_json::array();
  for (const WeightError& weight : comparison.weights.weights) {
    json["weights"].push_back({{"name", weight.name},
                               {"stored", weight.form},
                               {"shape", weight.shape},
                               {"elements", weight.elements},
                               {"sqnr_db", weight.sqnr_db},
                               {"max_error", weight.error_max},
                               {"mean_error", weight.error_mean},
                               {"max_weight", weight.weight_max}});
  }
  json["not_compared"] = comparison.weights.unmatched;
  if (comparison.outputs) json["outputs"] = judgement_json(*comparison.outputs, {});
  return json;
}

}  // namespace vetquant
