#include <algorithm>
#include <cmath>

#include "text_table.h"
#include "vetquant/core/text.h"
#include "vetquant/report/judgement_report.h"

namespace vetquant {
namespace {

constexpr auto kLeft = Align::kLeft;

double confidence_of(const Judgement& judgement) {
  return judgement.confidences_pct.empty() ? 95 : judgement.confidences_pct.front();
}

std::string range(const Estimate& estimate, double confidence, int digits) {
  const Interval* interval = estimate.at(confidence);
  return interval ? "[" + fixed(interval->low, digits) + ", " + fixed(interval->high, digits) + "]" : "";
}

std::string with_sign(double value, int digits) {
  const std::string text = fixed(value, digits);
  const bool zero = text.find_first_not_of("-0.") == std::string::npos;
  return zero ? text.substr(text[0] == '-' ? 1 : 0) : (value > 0 ? "+" + text : text);
}

std::string short_name(const ModelResult& model) {
  constexpr size_t kWidth = 40;
  return shortened(model.name, kWidth);
}

std::string bytes_text(double bytes) { return human_bytes(static_cast<uint64_t>(std::max(0.0, bytes))); }

std::string head_text(const Judgement& judgement) {
  std::string samples = std::to_string(judgement.samples) + " " + judgement.unit + (judgement.samples == 1 ? "" : "s");
  if (judgement.steps > judgement.samples) samples += " in " + std::to_string(judgement.steps) + " steps";
  if (judgement.clusters) samples += " in " + std::to_string(judgement.clusters) + " clusters";
  std::string text =
      wrapped(printable(judgement.set_name) + ": " + judgement.task + ", " + samples + "; resampled are " +
                  (judgement.clusters ? std::string("clusters") : judgement.unit + "s") +
                  (judgement.normalisation.empty() ? "" : "; texts normalised by " + judgement.normalisation),
              "  ");
  std::string how = "ONNX Runtime " + judgement.runtime_version + ", " + judgement.session;
  if (judgement.timed_rounds > 0) {
    how += "; latency: median of " + std::to_string(judgement.timed_rounds) + " interleaved rounds (ABBA) after " +
           std::to_string(judgement.warm_up_runs) + " warm-up runs";
  }
  return text + wrapped(how, "  ") + "\n";
}

std::string accuracy_table(const Judgement& judgement) {
  const double confidence = confidence_of(judgement);
  const std::string interval_title = compact(confidence) + " %";
  TextTable table({{"model", kLeft},
                   {"top-1 %"},
                   {interval_title},
                   {"change"},
                   {interval_title},
                   {"macro F1"},
                   {"change"},
                   {interval_title}});
  for (const ModelResult& model : judgement.models) {
    const Metric* top1 = find_metric(model, "top1");
    const Metric* f1 = find_metric(model, "macro_f1");
    if (!top1 || !f1) continue;
    std::vector<std::string> cells = {model.name, fixed(top1->value.value, 2), range(top1->value, confidence, 1)};
    if (top1->difference) {
      cells.push_back(with_sign(top1->difference->value, 2));
      cells.push_back(range(*top1->difference, confidence, 2));
    } else {
      cells.insert(cells.end(), {"", ""});
    }
    cells.push_back(fixed(f1->value.value, 2));
    if (f1->difference)
      cells.insert(cells.end(), {with_sign(f1->difference->value, 2), range(*f1->difference, confidence, 2)});
    table.row(std::move(cells));
  }
  return table.text() + "\n";
}

std::string closeness_table(const Judgement& judgement) {
  const double confidence = confidence_of(judgement);
  TextTable table({{"model", kLeft},
                   {"output", kLeft},
                   {"SQNR dB"},
                   {compact(confidence) + " %"},
                   {"cosine"},
                   {"max error"},
                   {"mean error"},
                   {"agree %"}});
  bool any = false;
  for (const ModelResult& model : judgement.models) {
    for (const Metric& metric : model.metrics) {
      if (metric.key != "sqnr_db") continue;
      const auto figure = [&](const char* key, const auto& show) {
        const Metric* found = find_metric(model, key, metric.output);
        return found ? show(found->value.value) : std::string("-");
      };
      const auto fine = [](double value) { return fixed(value, 6); };
      const auto two = [](double value) { return fixed(value, 2); };
      const bool same = metric.value.value >= 200;
      any = true;
      table.row({model.name, shortened(metric.output, 20), same ? "equal" : fixed(metric.value.value, 1),
                 same ? "" : range(metric.value, confidence, 1), figure("cosine", fine), figure("max_error", compact),
                 figure("mean_error", compact), figure("agreement", two)});
    }
  }
  return any ? table.text() + "\n" : "";
}

std::string language_table(const Judgement& judgement) {
  const double confidence = confidence_of(judgement);
  TextTable table({{"model", kLeft},
                   {"perplexity"},
                   {"change %"},
                   {compact(confidence) + " %"},
                   {"bits/byte"},
                   {"KL mean"},
                   {"KL p99"},
                   {"top-1 %"},
                   {"cloze %"},
                   {"change"}});
  for (const ModelResult& model : judgement.models) {
    const auto figure = [&](const char* key, const auto& show) {
      const Metric* found = find_metric(model, key);
      return found ? show(found->value.value) : std::string("-");
    };
    const auto two = [](double value) { return fixed(value, 2); };
    const auto four = [](double value) { return fixed(value, 4); };
    std::vector<std::string> cells = {model.name, figure("token_perplexity", compact), "", ""};
    const Metric* perplexity = find_metric(model, "token_perplexity");
    if (perplexity && perplexity->ratio) {
      Estimate change = *perplexity->ratio;
      change.value = 100 * (change.value - 1);
      for (ConfidenceInterval& entry : change.intervals)
        entry.interval = {100 * (entry.interval.low - 1), 100 * (entry.interval.high - 1)};
      cells[2] = with_sign(change.value, 2);
      cells[3] = range(change, confidence, 2);
    }
    const Metric* cloze = find_metric(model, "cloze_accuracy");
    cells.insert(cells.end(), {figure("bits_per_byte", four), figure("kl_mean", compact), figure("kl_p99", compact),
                               figure("top1_agreement", two), figure("cloze_accuracy", two),
                               cloze && cloze->difference ? with_sign(cloze->difference->value, 2) : ""});
    if (perplexity || cloze) table.row(std::move(cells));
  }
  return table.text() + "\n";
}

std::string speech_table(const Judgement& judgement) {
  const double confidence = confidence_of(judgement);
  TextTable table({{"model", kLeft},
                   {"WER %"},
                   {compact(confidence) + " %"},
                   {"change"},
                   {compact(confidence) + " %"},
                   {"CER %"},
                   {"terms %"},
                   {"amounts %"},
                   {"same %"},
                   {"RTF"}});
  for (const ModelResult& model : judgement.models) {
    const auto figure = [&](const char* key, int digits) {
      const Metric* found = find_metric(model, key);
      return found ? fixed(found->value.value, digits) : std::string("-");
    };
    const Metric* wer = find_metric(model, "wer");
    if (!wer) continue;
    table.row({model.name, fixed(wer->value.value, 2), range(wer->value, confidence, 1),
               wer->difference ? with_sign(wer->difference->value, 2) : "",
               wer->difference ? range(*wer->difference, confidence, 2) : "", figure("cer", 2),
               figure("term_recall", 1), figure("quantity_recall", 1), figure("same_text", 1),
               figure("real_time_factor", 3)});
  }
  return table.text() + "\n";
}

std::string cost_table(const Judgement& judgement) {
  const double confidence = confidence_of(judgement);
  TextTable table({{"model", kLeft},
                   {"size"},
                   {"share"},
                   {"load ms"},
                   {"run ms"},
                   {compact(confidence) + " %"},
                   {"speed"},
                   {"settled"},
                   {"peak"}});
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const ModelResult& model = judgement.models[m];
    const auto figure = [&](const char* key, const auto& show) {
      const Metric* found = find_metric(model, key);
      return found ? show(*found) : std::string("-");
    };
    const auto bytes = [](const Metric& metric) { return bytes_text(metric.value.value); };
    const std::string name = model.name + (m == judgement.baseline && judgement.models.size() > 1 ? " (baseline)" : "");
    table.row({name, figure("file_bytes", bytes),
               figure("file_bytes",
                      [](const Metric& metric) {
                        return metric.ratio ? fixed(100 * metric.ratio->value, 1) + " %" : std::string();
                      }),
               figure("load_ms", [](const Metric& metric) { return fixed(metric.value.value, 1); }),
               figure("latency_ms", [](const Metric& metric) { return fixed(metric.value.value, 2); }),
               figure("latency_ms", [&](const Metric& metric) { return range(metric.value, confidence, 2); }),
               figure("latency_ms",
                      [](const Metric& metric) {
                        return metric.ratio ? fixed(1 / metric.ratio->value, 2) + "x" : std::string();
                      }),
               figure("settled_bytes", bytes), figure("peak_bytes", bytes)});
  }
  return table.text() + "\n";
}

std::string operators_text(const std::map<std::string, uint64_t>& counts, size_t most) {
  std::vector<std::pair<std::string, uint64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (size_t i = 0; i < sorted.size() && i < most; ++i) {
    text += (i ? ", " : "") + sorted[i].first + " " + std::to_string(sorted[i].second);
  }
  if (sorted.size() > most) text += ", and " + std::to_string(sorted.size() - most) + " more kinds";
  return text;
}

std::string graphs_text(const Judgement& judgement, Detail detail) {
  const size_t most = detail == Detail::kFull ? SIZE_MAX : 12;
  std::string text = "What the runtime made of the graphs (operators after its optimizations):\n";
  bool any = false;
  for (const ModelResult& model : judgement.models) {
    if (!model.operators.empty()) {
      text += wrapped("  " + short_name(model) + ": " + operators_text(model.operators, most), "    ");
      any = true;
    } else if (!model.operators_note.empty()) {
      text += wrapped("  " + model.name + ": not told: " + printable(model.operators_note, 300), "    ");
      any = true;
    }
  }
  return any ? text : "";
}

std::string confusion_text(const Judgement& judgement) {
  std::string text;
  for (const ModelResult& model : judgement.models) {
    if (model.confusion.empty()) continue;
    std::vector<TextTable::Column> columns = {{short_name(model) + ": is \\ says", kLeft}};
    const auto label = [&](size_t c) { return c < judgement.labels.size() ? judgement.labels[c] : std::to_string(c); };
    for (size_t c = 0; c < model.confusion.size(); ++c) columns.push_back({label(c)});
    TextTable table(std::move(columns));
    for (size_t r = 0; r < model.confusion.size(); ++r) {
      std::vector<std::string> cells = {label(r)};
      for (const uint64_t count : model.confusion[r]) cells.push_back(std::to_string(count));
      table.row(std::move(cells));
    }
    text += "\n" + table.text();
  }
  return text;
}

// One row for each class, one column for each model.
std::string recall_text(const Judgement& judgement) {
  std::vector<TextTable::Column> columns = {{"recall %", kLeft}};
  std::vector<std::string> classes;
  for (const ModelResult& model : judgement.models) {
    columns.push_back({short_name(model)});
    for (const Metric& metric : model.metrics) {
      if (metric.key == "recall" && std::find(classes.begin(), classes.end(), metric.output) == classes.end())
        classes.push_back(metric.output);
    }
  }
  if (classes.empty()) return "";
  TextTable table(std::move(columns));
  for (const std::string& name : classes) {
    std::vector<std::string> cells = {name};
    for (const ModelResult& model : judgement.models) {
      const Metric* found = find_metric(model, "recall", name);
      cells.push_back(found ? fixed(found->value.value, 2) : "-");
    }
    table.row(std::move(cells));
  }
  std::vector<std::string> cells = {"calibration error"};
  for (const ModelResult& model : judgement.models) {
    const Metric* found = find_metric(model, "ece");
    cells.push_back(found ? fixed(found->value.value, 2) : "-");
  }
  table.row(std::move(cells));
  return "\n" + table.text();
}

std::string gates_text(const Judgement& judgement, const std::vector<GateResult>& gates) {
  std::string text;
  for (const GateResult& result : gates) {
    text += wrapped(std::string(result.passed ? "passed  " : "FAILED  ") + short_name(judgement.models[result.model]) +
                        "  " + result.gate.text + "  (" + result.reason + ")",
                    "        ");
  }
  return text;
}

}  // namespace

std::string judgement_text(const Judgement& judgement, const std::vector<GateResult>& gates, Detail detail) {
  std::string text = head_text(judgement);
  for (const ModelResult& model : judgement.models) {
    if (!model.failure.empty())
      text += wrapped("FAILED  " + short_name(model) + ": " + printable(model.failure, 600), "        ");
  }
  if (text.find("FAILED") != std::string::npos) text += "\n";
  text += judgement.task == "tensors"          ? closeness_table(judgement)
          : judgement.task == "language_model" ? language_table(judgement)
          : judgement.task == "speech"         ? speech_table(judgement)
                                               : accuracy_table(judgement);
  text += cost_table(judgement);
  text += graphs_text(judgement, detail);
  if (detail == Detail::kFull) text += recall_text(judgement) + confusion_text(judgement);
  if (!gates.empty() && !text.ends_with("\n\n")) text += "\n";
  return text + gates_text(judgement, gates);
}

bool all_is_well(const Judgement& judgement, const std::vector<GateResult>& gates) {
  return std::all_of(judgement.models.begin(), judgement.models.end(),
                     [](const ModelResult& model) { return model.failure.empty(); }) &&
         std::all_of(gates.begin(), gates.end(), [](const GateResult& gate) { return gate.passed; });
}

}  // namespace vetquant
