#include "vetquant/report/junit.h"

#include <algorithm>

#include "figures.h"
#include "vetquant/core/error.h"
#include "vetquant/report/markup.h"
#include "vetquant/report/render.h"

namespace vetquant {
namespace {

const char* element_of(CaseOutcome outcome) {
  switch (outcome) {
    case CaseOutcome::kFailure:
      return "failure";
    case CaseOutcome::kError:
      return "error";
    case CaseOutcome::kSkipped:
      return "skipped";
    case CaseOutcome::kPassed:
      break;
  }
  return "";
}

std::string case_text(const TestCase& test) {
  const std::string begin =
      "    <testcase classname=\"" + escaped(test.group) + "\" name=\"" + escaped(test.name) + "\" time=\"0\"";
  if (test.outcome == CaseOutcome::kPassed) return begin + "/>\n";
  const std::string element = element_of(test.outcome);
  return begin + ">\n      <" + element + " type=\"" + escaped(test.type) + "\" message=\"" + escaped(test.message) +
         "\">" + escaped(test.message) + "</" + element + ">\n    </testcase>\n";
}

}  // namespace

std::string junit_name(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::string junit_document(const TestSuite& suite) {
  const auto count = [&](CaseOutcome outcome) {
    return std::to_string(std::count_if(suite.cases.begin(), suite.cases.end(),
                                        [outcome](const TestCase& test) { return test.outcome == outcome; }));
  };
  const std::string numbers = "tests=\"" + std::to_string(suite.cases.size()) + "\" failures=\"" +
                              count(CaseOutcome::kFailure) + "\" errors=\"" + count(CaseOutcome::kError) + "\"";
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + numbers + ">\n  <testsuite name=\"" +
                     escaped(suite.name) + "\" " + numbers + " skipped=\"" + count(CaseOutcome::kSkipped) +
                     "\" time=\"0\">\n    <properties>\n";
  for (const auto& [name, value] : suite.properties)
    text += "      <property name=\"" + escaped(name) + "\" value=\"" + escaped(value) + "\"/>\n";
  text += "    </properties>\n";
  for (const TestCase& test : suite.cases) text += case_text(test);
  return text + "  </testsuite>\n</testsuites>\n";
}

std::string report_junit(const ReportData& data) {
  if (!data.judgement)
    throw Error(ErrorCode::kUsage, "JUnit needs a report of vetquant eval: there are no gates in this one");
  const Judgement& judgement = *data.judgement;
  TestSuite suite{"vetquant " + judgement.set_name,
                  {{"test_set.digest", judgement.set_digest},
                   {"samples", std::to_string(judgement.samples)},
                   {"runtime", "ONNX Runtime " + judgement.runtime_version},
                   {"session", judgement.session}},
                  {}};
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    const ModelResult& model = judgement.models[m];
    const std::string group = "vetquant." + judgement.set_name + "." + junit_name(model.name);
    const auto outcome = model.failure.empty() ? CaseOutcome::kPassed : CaseOutcome::kError;
    suite.cases.push_back({group, "is judged", outcome, "vetquant.model", model.failure});
    for (const GateResult& gate : data.gates) {
      if (gate.model != m) continue;
      const auto said = gate.passed ? CaseOutcome::kPassed : CaseOutcome::kFailure;
      suite.cases.push_back({group, gate.gate.text, said, "vetquant.gate", gate.reason});
    }
  }
  return junit_document(suite);
}

}  // namespace vetquant
