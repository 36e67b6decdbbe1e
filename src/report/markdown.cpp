#include "figures.h"
#include "text_table.h"
#include "vetquant/core/error.h"
#include "vetquant/report/markup.h"
#include "vetquant/report/render.h"

namespace vetquant {
namespace {

constexpr size_t kMostColumns = 4;  // of quality, beside size and speed: a pull request is narrow
constexpr size_t kNameWidth = 48;

std::string name_cell(const std::string& name) { return markdown_code(shortened(visible(name), kNameWidth)); }

std::string quality_cell(const ModelResult& model, const Metric& kind, double confidence) {
  const Metric* metric = same_kind(model, kind);
  if (!metric) return "";
  std::string text = unit_value(metric->value.value, metric->unit);
  if (!metric->difference) {
    if (const Interval* interval = metric->value.at(confidence))
      text += " [" + interval_text(*interval, metric->unit) + "]";
    return text;
  }
  text += ", " + unit_change(metric->difference->value, metric->unit);
  if (const Interval* interval = metric->difference->at(confidence))
    text += " [" + change_interval_text(*interval, metric->unit) + "]";
  const Change change = change_of(*metric->difference, metric->better, confidence);
  return change == Change::kUnknown ? text : text + ", " + in_words(change);
}

std::string size_cell(const ModelResult& model) {
  const Metric* size = find_metric(model, "file_bytes");
  if (!size) return "";
  return unit_value(size->value.value, "B") +
         (size->ratio ? " (" + fixed(100 * size->ratio->value, 1) + " %)" : std::string());
}

std::string speed_cell(const ModelResult& model) {
  const Metric* time = find_metric(model, "latency_ms");
  if (!time) return "";
  return unit_value(time->value.value, "ms") +
         (time->ratio ? " (" + fixed(1 / time->ratio->value, 2) + "x)" : std::string());
}

std::string row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

std::string table(const Judgement& judgement) {
  std::vector<const Metric*> kinds = quality_kinds(judgement);
  const size_t left_out = kinds.size() > kMostColumns ? kinds.size() - kMostColumns : 0;
  kinds.resize(kinds.size() - left_out);
  std::vector<std::string> head = {"model", "size", "run time"}, rule = {"---", "---:", "---:"};
  for (const Metric* kind : kinds) {
    head.push_back(markdown_text(title_of(*kind)) +
                   (kind->better == Better::kHigher ? " (higher is better)" : " (lower is better)"));
    rule.emplace_back("---");
  }
  std::string text = row(head) + row(rule);
  const double confidence = confidence_of(judgement);
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const ModelResult& model = judgement.models[m];
    const bool is_baseline = m == judgement.baseline && judgement.models.size() > 1;
    std::vector<std::string> cells = {name_cell(model.name) + (is_baseline ? " (baseline)" : ""), size_cell(model),
                                      speed_cell(model)};
    if (!model.failure.empty()) cells[0] += ", **could not be judged**";
    for (const Metric* kind : kinds) cells.push_back(quality_cell(model, *kind, confidence));
    text += row(cells);
  }
  if (left_out > 0) text += "\n" + std::to_string(left_out) + " more metrics are in the full report.\n";
  return text;
}

std::string troubles(const ReportData& data) {
  std::string text;
  for (const ModelResult& model : data.judgement->models) {
    if (!model.failure.empty())
      text +=
          "- " + name_cell(model.name) + " could not be judged: " + markdown_text(shortened(model.failure, 400)) + "\n";
  }
  for (const GateResult& gate : data.gates) {
    if (!gate.passed)
      text += "- gate " + markdown_code(gate.gate.text) + " of " + name_cell(data.judgement->models[gate.model].name) +
              ": " + markdown_text(gate.reason) + "\n";
  }
  return text.empty() ? text : "\n" + text;
}

}  // namespace

std::string report_markdown(const ReportData& data) {
  if (!data.judgement)
    throw Error(ErrorCode::kUsage, "Markdown needs a report of vetquant eval: there is no verdict in this one");
  const Judgement& judgement = *data.judgement;
  const Verdict verdict = verdict_of(judgement, data.gates);
  const char* sign = verdict.kind == Verdict::Kind::kFailed   ? "❌ "
                     : verdict.kind == Verdict::Kind::kPassed ? "✅ "
                                                              : "";
  std::string samples = std::to_string(judgement.samples) + " " + judgement.unit + (judgement.samples == 1 ? "" : "s");
  std::string text = std::string("### ") + sign + "vetquant: " + verdict.words + ", " + verdict.sentence + "\n\n";
  text += "Test set " + markdown_code(judgement.set_name) + ", " + markdown_text(samples) + ", ONNX Runtime " +
          markdown_text(judgement.runtime_version) + "; intervals at " + compact(confidence_of(judgement)) + " %.\n\n";
  return text + table(judgement) + troubles(data);
}

}  // namespace vetquant
