#include "vetquant/report/render.h"

#include <gtest/gtest.h>

#include <sstream>

#include "report/markup_check.h"
#include "report/sample_report.h"
#include "support/error_of.h"
#include "vetquant/report/judgement_report.h"

namespace vetquant {
namespace {

using test::sample_report;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Html, IsWellFormedAndTakesNothingFromOutside) {
  const std::string html = report_html(sample_report());
  EXPECT_EQ(test::markup_complaint(html), "");
  for (const char* never :
       {"<script", "http:", "https:", "src=", "@import", "url(", "\x1b", "\xff", "\xe2\x80\xae", "onerror"})
    EXPECT_EQ(html.find(never), std::string::npos) << never;
  EXPECT_NE(html.find("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;|`@team\\x1b[31m\\xff\\u202e.onnx"),
            std::string::npos);
}

TEST(Html, BeginsWithTheVerdict) {
  ReportData data = sample_report();
  std::string html = report_html(data);
  EXPECT_NE(html.find("✗ FAILED</strong>1 model could not be judged, 1 of 2 gates failed"), std::string::npos);
  EXPECT_LT(html.find("✗ FAILED"), html.find("<section>"));
  data.judgement->models.pop_back();
  data.gates.erase(data.gates.begin());
  EXPECT_NE(report_html(data).find("✓ Passed</strong>the one gate holds"), std::string::npos);
  data.gates.clear();
  EXPECT_NE(report_html(data).find("<strong>Judged</strong>2 models, no gate was set"), std::string::npos);
}

TEST(Html, HasASectionForEachKindOfData) {
  const std::string html = report_html(sample_report());
  for (const char* title : {"Models", "Gates", "Accuracy against size", "Differences", "Examples of errors",
                            "Where the bytes are", "Where the error comes from", "What the runtime made of the graphs",
                            "Which classes are confused", "How it was judged"})
    EXPECT_EQ(count_of(html, "<h2>" + std::string(title) + "</h2>"), 1U) << title;
  ReportData data = sample_report();
  data.judgement.reset();
  const std::string weights = report_html(data);
  EXPECT_EQ(test::markup_complaint(weights), "");
  EXPECT_EQ(count_of(weights, "<h2>"), 1U);
}

TEST(Html, ShowsMetricsThatNobodyToldItOf) {
  const std::string html = report_html(sample_report());
  EXPECT_NE(html.find("<h3>new metric <small>higher is better</small></h3>"), std::string::npos);
  EXPECT_NE(html.find("▼ worse"), std::string::npos);       // new_metric: the whole interval is below zero
  EXPECT_NE(html.find("within noise"), std::string::npos);  // wer
}

TEST(Html, MarksWhatDiffersWithLostTermsFirst) {
  const std::string html = report_html(sample_report());
  EXPECT_NE(html.find("<span class=\"term\">enrofloxacin</span>"), std::string::npos);
  EXPECT_NE(html.find("1 term lost"), std::string::npos);
  EXPECT_NE(html.find("<ins title=\"too much\">"), std::string::npos);
  EXPECT_NE(html.find("<del title=\"missing\">twice</del>"), std::string::npos);
  EXPECT_LT(html.find("clip &lt;2&gt;"), html.find("clip 1"));
}

TEST(Html, WorstWeightsComeFirst) {
  const std::string html = report_html(sample_report());
  EXPECT_LT(html.find("&lt;u&gt;bad&lt;/u&gt;"), html.find("<bdi>good</bdi>"));
}

TEST(Junit, EachModelAndEachGateIsATestCase) {
  const std::string xml = report_junit(sample_report());
  EXPECT_EQ(test::markup_complaint(xml), "");
  EXPECT_EQ(count_of(xml, "<testcase "), 5U);
  EXPECT_EQ(count_of(xml, "<failure "), 1U);
  EXPECT_EQ(count_of(xml, "<error "), 1U);
  EXPECT_EQ(count_of(xml, "tests=\"5\" failures=\"1\" errors=\"1\""), 2U);
  EXPECT_NE(xml.find("name=\"wer&lt;=+1\" time=\"0\">\n      <failure type=\"vetquant.gate\" message=\"wer: value "
                     "+0.7, upper bound 1.8 &gt; 1\">"),
            std::string::npos);
  EXPECT_NE(xml.find("signal 11 (Segmentation fault) &lt;here&gt;"), std::string::npos);
  EXPECT_EQ(xml.find('\x1b'), std::string::npos);
}

TEST(Markdown, SaysTheVerdictFirstAndThenOneTable) {
  const std::string text = report_markdown(sample_report());
  EXPECT_TRUE(text.starts_with("### ❌ vetquant: FAILED, 1 model could not be judged, 1 of 2 gates failed\n\n"))
      << text;
  EXPECT_NE(text.find("Test set `vet & <b>speech</b>`, 96 clips"), std::string::npos);
  EXPECT_NE(text.find("| `float` (baseline) | 151.0 MB | 307.00 ms |"), std::string::npos) << text;
  EXPECT_NE(
      text.find("40.0 MB (26.5 %) | 249.00 ms (1.23x) | 35.20 %, +0.70 points [−0.40 to +1.80 points], within noise |"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("- gate `wer<=+1` of "), std::string::npos);
}

TEST(Markdown, EveryRowHasTheColumnsOfTheHead) {
  std::istringstream lines(report_markdown(sample_report()));
  const std::string name = "'\\|`@team";  // the one bar that belongs to a name
  size_t rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) continue;
    ++rows;
    EXPECT_EQ(count_of(line, "|") - count_of(line, "\\|"), 7U) << line;
  }
  EXPECT_EQ(rows, 5U);
}

TEST(Renderers, WithoutAJudgementThereIsNoVerdict) {
  ReportData data = sample_report();
  data.judgement.reset();
  EXPECT_EQ(test::error_of([&] { report_junit(data); }).code(), ErrorCode::kUsage);
  EXPECT_EQ(test::error_of([&] { report_markdown(data); }).code(), ErrorCode::kUsage);
}

}  // namespace
}  // namespace vetquant
