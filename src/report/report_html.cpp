#include "figures.h"
#include "html_sections.h"
#include "html_style.h"
#include "html_table.h"
#include "vetquant/report/markup.h"
#include "vetquant/report/render.h"

namespace vetquant {
namespace {

std::string page_title(const ReportData& data) {
  if (data.judgement) return data.judgement->set_name;
  return data.weights.empty() ? std::string("nothing") : data.weights.front().model;
}

std::string verdict_html(const Judgement& judgement, const std::vector<GateResult>& gates) {
  const Verdict verdict = verdict_of(judgement, gates);
  const bool passed = verdict.kind == Verdict::Kind::kPassed, failed = verdict.kind == Verdict::Kind::kFailed;
  const char* style = passed ? " passed" : failed ? " failed" : "";
  const char* sign = passed ? "✓ " : failed ? "✗ " : "";
  return std::string("<div class=\"verdict") + style + "\"><strong>" + sign + verdict.words + "</strong>" +
         escaped(verdict.sentence) + "</div>\n";
}

}  // namespace

std::string report_html(const ReportData& data) {
  const std::string title = escaped(page_title(data));
  std::string body = "<header><h1>vetquant: <bdi>" + title + "</bdi></h1>\n";
  if (data.judgement) body += verdict_html(*data.judgement, data.gates);
  body += "</header>\n<main>\n";
  if (data.judgement) {
    const Judgement& judgement = *data.judgement;
    body += models_section(judgement) + gates_section(judgement, data.gates) + scatter_section(judgement) +
            differences_section(judgement) + examples_section(judgement) + sizes_section(judgement);
  }
  body += weights_section(data.weights);
  if (data.judgement)
    body += operators_section(*data.judgement) + confusion_section(*data.judgement) + run_section(*data.judgement);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n<title>vetquant: " +
         title + "</title>\n<style>" + kHtmlStyle + "</style>\n</head>\n<body>\n" + body +
         "</main>\n</body>\n</html>\n";
}

}  // namespace vetquant
