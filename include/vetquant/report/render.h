// A report for each kind of reader. All are functions of ReportData alone: a report that was stored as JSON and is rendered
// later looks the same as one that was rendered at once.
//
//   HTML      one file without scripts, fonts or anything from a network; light and dark, from 360 px to print
//   JUnit     each model and each gate of a model is a test case; a gate that failed is a failure, a model that did not run
//             an error. The shape is that of Maven Surefire, which Jenkins, GitLab and GitHub's actions read.
//   Markdown  for a pull request: the verdict, one table, the gates that failed
//
// Names and texts are escaped wherever they stand; what they may do is in src/report/markup.h.
#pragma once

#include <string>

#include "vetquant/report/read_report.h"

namespace vetquant {

std::string report_html(const ReportData& data);

// Error{kUsage} where there is no judgement: weights alone are neither test cases nor a verdict.
std::string report_junit(const ReportData& data);
std::string report_markdown(const ReportData& data);

}  // namespace vetquant
