#include <algorithm>
#include <cmath>
#include <set>

#include "figures.h"
#include "html_sections.h"
#include "html_table.h"
#include "text_table.h"
#include "vetquant/report/markup.h"
#include "word_marks.h"

namespace vetquant {
namespace {

constexpr size_t kExamplesShown = 10, kWeightsShown = 20, kMostWeights = 1000, kMostClasses = 40;

std::string word_html(const MarkedWord& word) {
  std::string html = escaped(word.word);
  if (word.term) html = "<span class=\"term\">" + html + "</span>";
  switch (word.kind) {
    case WordKind::kRight:
      return html;
    case WordKind::kWrong:
      return "<span class=\"wrong\" title=\"instead of " + escaped(word.reference) + "\">" + html + "</span>";
    case WordKind::kExtra:
      return "<ins title=\"too much\">" + html + "</ins>";
    case WordKind::kMissing:
      break;
  }
  return "<del title=\"missing\">" + html + "</del>";
}

std::string answer_html(const MarkedAnswer& answer) {
  std::string html;
  for (const MarkedWord& word : answer.words) html += (html.empty() ? "" : " ") + word_html(word);
  if (html.empty()) html = "<span class=\"soft\">(nothing)</span>";
  return "<dd dir=\"auto\">" + html + "</dd>";
}

std::string lost_html(const MarkedAnswer& answer) {
  const auto badge = [](size_t count, const char* one, const char* many) {
    return count == 0
               ? std::string()
               : " <span class=\"badge bad\">" + std::to_string(count) + " " + (count == 1 ? one : many) + "</span>";
  };
  return badge(answer.lost_terms, "term lost", "terms lost") + badge(answer.errors, "word differs", "words differ");
}

std::string example_html(const MarkedExample& entry) {
  const ErrorExample& example = *entry.example;
  const MarkedAnswer reference = mark_words(example.reference, example.reference, example.terms);
  return "<div class=\"example\"><h3>" + name_html(example.item) + lost_html(entry.candidate) +
         "</h3><dl><dt>right</dt>" + answer_html(reference) + "<dt>float</dt>" + answer_html(entry.baseline) +
         "<dt>this model</dt>" + answer_html(entry.candidate) + "</dl></div>\n";
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : "×") + std::to_string(dim);
  return text;
}

std::string sqnr_html(double sqnr_db) {
  constexpr double kFullDb = 60;  // a bar of full length; 8 bits reach 45
  if (std::isnan(sqnr_db)) return "-";
  const double percent = std::clamp(100 * sqnr_db / kFullDb, 0.0, 100.0);
  return unit_value(sqnr_db, "dB") +
         "<div class=\"meter\" aria-hidden=\"true\"><i style=\"width:" + attribute_number(percent) + "%\"></i></div>";
}

std::string weights_table(const std::vector<const WeightError*>& weights, size_t first, size_t count) {
  HtmlTable table("", {{"weight"}, {"stored as"}, {"shape"}, {"SQNR", "n"}, {"largest error", "n"}});
  for (size_t i = first; i < std::min(first + count, weights.size()); ++i) {
    const WeightError& weight = *weights[i];
    table.row({name_html(weight.name), escaped(weight.form), shape_text(weight.shape), sqnr_html(weight.sqnr_db),
               compact(weight.error_max)});
  }
  return table.html();
}

std::string count_text(const std::map<std::string, uint64_t>& counts, const std::string& op) {
  const auto found = counts.find(op);
  return found == counts.end() ? "0" : std::to_string(found->second);
}

std::string fact(const char* name, const std::string& text) {
  return text.empty() ? "" : std::string("<dt>") + name + "</dt><dd>" + name_html(text) + "</dd>\n";
}

}  // namespace

std::string examples_section(const Judgement& judgement) {
  std::string html;
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const std::vector<MarkedExample> examples = marked_examples(judgement.models[m].examples);
    if (examples.empty()) continue;
    std::string shown, more;
    for (size_t i = 0; i < examples.size(); ++i) (i < kExamplesShown ? shown : more) += example_html(examples[i]);
    html += "<h3>" + model_label(judgement, m) + "</h3>\n" + shown +
            details_html(std::to_string(examples.size() - std::min(examples.size(), kExamplesShown)) + " more", more);
  }
  if (html.empty()) return "";
  return section_html(
      "Examples of errors",
      "<p class=\"soft\">Lost terms first. <span class=\"term\">Terms</span> are underlined, "
      "<span class=\"wrong\">wrong words</span> waved, <del>missing words</del> struck through, <ins>words "
      "too much</ins> dotted.</p>\n" +
          html);
}

std::string weights_section(const std::vector<WeightErrors>& weights) {
  std::string html;
  for (const WeightErrors& errors : weights) {
    std::vector<const WeightError*> sorted;
    for (const WeightError& weight : errors.weights) sorted.push_back(&weight);
    const auto rank = [](const WeightError* weight) {
      return std::isnan(weight->sqnr_db) ? HUGE_VAL : weight->sqnr_db;
    };
    std::stable_sort(sorted.begin(), sorted.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
    if (sorted.empty()) continue;
    html += "<h3>" + name_html(errors.model) + "</h3>\n" + weights_table(sorted, 0, kWeightsShown) +
            details_html(std::to_string(sorted.size() - std::min(sorted.size(), kWeightsShown)) + " closer weights",
                         weights_table(sorted, kWeightsShown, kMostWeights));
  }
  if (html.empty()) return "";
  return section_html("Where the error comes from",
                      "<p class=\"soft\">Each weight against its float values, worst first. SQNR is signal over "
                      "quantization noise: 6 dB more is half the error.</p>\n" +
                          html);
}

std::string operators_section(const Judgement& judgement) {
  std::set<std::string> operators;
  std::string notes;
  for (const ModelResult& model : judgement.models) {
    for (const auto& [name, count] : model.operators_written) operators.insert(name);
    for (const auto& [name, count] : model.operators) operators.insert(name);
    if (!model.operators_note.empty())
      notes += "<p class=\"soft\">" + name_html(model.name) + ": " + escaped(model.operators_note) + "</p>\n";
  }
  std::vector<HtmlTable::Column> columns = {{"operator"}};
  for (const ModelResult& model : judgement.models) columns.push_back({visible(model.name), "n"});
  HtmlTable table("In the file, and after the runtime's optimizations.", columns);
  for (const std::string& op : operators) {
    std::vector<std::string> cells = {name_html(op)};
    for (const ModelResult& model : judgement.models) {
      cells.push_back(count_text(model.operators_written, op) +
                      (model.operators.empty() ? "" : " → " + count_text(model.operators, op)));
    }
    table.row(cells);
  }
  const std::string html = table.html() + notes;
  return html.empty() ? "" : section_html("What the runtime made of the graphs", details_html("Operators", html));
}

std::string confusion_section(const Judgement& judgement) {
  std::string html;
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const auto& counts = judgement.models[m].confusion;
    if (counts.empty() || counts.size() > kMostClasses) continue;
    const auto label = [&](size_t c) {
      return name_html(c < judgement.labels.size() ? judgement.labels[c] : std::to_string(c));
    };
    std::string rows = "<thead><tr><th scope=\"col\">is \\ says</th>";
    for (size_t c = 0; c < counts.size(); ++c) rows += "<th scope=\"col\" class=\"n\">" + label(c) + "</th>";
    rows += "</tr></thead><tbody>\n";
    for (size_t r = 0; r < counts.size(); ++r) {
      rows += "<tr><th scope=\"row\">" + label(r) + "</th>";
      for (size_t c = 0; c < counts[r].size(); ++c) {
        const std::string number = std::to_string(counts[r][c]);
        rows += "<td class=\"n\">" + (r == c ? "<b>" + number + "</b>" : number) + "</td>";
      }
      rows += "</tr>\n";
    }
    html += "<h3>" + model_label(judgement, m) +
            "</h3>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
            "aria-label=\"confusion matrix\"><table>" +
            rows + "</tbody></table></div>\n";
  }
  return html.empty() ? "" : section_html("Which classes are confused", details_html("Confusion matrices", html));
}

std::string run_section(const Judgement& judgement) {
  std::string samples = std::to_string(judgement.samples) + " " + judgement.unit + (judgement.samples == 1 ? "" : "s");
  if (judgement.clusters) samples += " in " + std::to_string(judgement.clusters) + " clusters, which are resampled";
  std::string time;
  if (judgement.timed_rounds > 0)
    time = "median of " + std::to_string(judgement.timed_rounds) + " interleaved rounds (ABBA) after " +
           std::to_string(judgement.warm_up_runs) + " warm-up runs";
  std::string html = fact("test set", judgement.set_name) + fact("task", judgement.task) + fact("samples", samples) +
                     fact("texts normalised by", judgement.normalisation) + fact("digest", judgement.set_digest) +
                     fact("licence", judgement.set_license) +
                     fact("runtime", "ONNX Runtime " + judgement.runtime_version) + fact("session", judgement.session) +
                     fact("run time", time) + fact("bootstrap", std::to_string(judgement.resamples) + " resamples");
  for (const ModelResult& model : judgement.models) html += fact("model", model.path.string());
  return section_html("How it was judged", "<dl>\n" + html + "</dl>\n");
}

}  // namespace vetquant
